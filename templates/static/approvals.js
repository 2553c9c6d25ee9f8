// Speaks up when a portal begins to wait for this citizen's word. Asking keeps no session awake.

const place = document.querySelector("[data-approvals]");
const note = document.querySelector("[data-approval-note]");
const EVERY = 5_000;
let shown = place.childElementCount > 0;

async function look() {
  if (document.hidden) return;
  const reply = await fetch(place.dataset.approvals, { credentials: "same-origin" }).catch(() => null);
  if (!reply?.ok) return;
  const { waiting } = await reply.json();
  if (waiting === shown) return;
  shown = waiting;
  place.replaceChildren(...(waiting ? [note.content.cloneNode(true)] : []));
}

setInterval(look, EVERY);
document.addEventListener("visibilitychange", look);
