// Warns before an idle session ends, and clears the page when it has ended.

const dialog = document.getElementById("session-warning");
const token = document.querySelector('meta[name="csrf-token"]').content;
const idle = Number(dialog.dataset.idle) * 1000;
const warning = Number(dialog.dataset.warning) * 1000;
const countdown = dialog.querySelector("[data-countdown]");
const tabs = "BroadcastChannel" in window ? new BroadcastChannel("sen-session") : null;
let ends = 0;
let said = null;

function begin() {
  ends = Date.now() + idle;
  said = null;
  countdown.textContent = "";
  if (dialog.open) dialog.close();
}

function leave() {
  location.replace(location.pathname + location.search);
}

// Spoken twice and not every second: a screen reader would never fall silent.
function watch() {
  const left = ends - Date.now();
  if (left <= 0) return leave();
  if (left > warning) return undefined;
  if (!dialog.open) dialog.showModal();
  const mark = left <= 20_000 ? 20 : left <= 60_000 ? 60 : null;
  if (mark && mark !== said) {
    said = mark;
    countdown.textContent = dialog.dataset.left.replace("{n}", String(Math.ceil(left / 1000)));
  }
  return undefined;
}

async function stay() {
  const reply = await fetch(dialog.dataset.stay, {
    method: "POST",
    credentials: "same-origin",
    headers: { "Content-Type": "application/json", "X-CSRFToken": token },
    body: "{}",
  }).catch(() => null);
  if (!reply) return;
  if (!reply.ok) return leave();
  begin();
  tabs?.postMessage("here");
}

dialog.querySelector("[data-stay-button]").addEventListener("click", stay);
dialog.addEventListener("cancel", (event) => {
  event.preventDefault();
  stay();
});
tabs?.addEventListener("message", begin);
begin();
tabs?.postMessage("here");
setInterval(watch, 1000);
document.addEventListener("visibilitychange", watch);
