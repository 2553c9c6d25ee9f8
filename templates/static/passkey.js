// Passkeys: asks Sen for a challenge, asks the device, hands the answer back, and follows `next`.

const box = document.querySelector("[data-passkey]");
const says = box.querySelector("[data-passkey-says]");
const button = box.querySelector("[data-passkey-start]");
const token = document.querySelector('meta[name="csrf-token"]').content;
const creating = box.dataset.passkey === "create";
let waiting = null;
let chosen = false;

class Refused extends Error {}

const toBytes = (text) => {
  const plain = atob(text.replace(/-/g, "+").replace(/_/g, "/"));
  return Uint8Array.from(plain, (sign) => sign.charCodeAt(0));
};

const toText = (buffer) =>
  btoa(String.fromCharCode(...new Uint8Array(buffer))).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");

const withBytes = (list) => (list ?? []).map((entry) => ({ ...entry, id: toBytes(entry.id) }));

// Phones from before 2024 know passkeys, but not these conversions.
function readOptions(options) {
  const parse = creating ? "parseCreationOptionsFromJSON" : "parseRequestOptionsFromJSON";
  if (PublicKeyCredential[parse]) return PublicKeyCredential[parse](options);
  const read = { ...options, challenge: toBytes(options.challenge) };
  if (creating) {
    read.user = { ...options.user, id: toBytes(options.user.id) };
    read.excludeCredentials = withBytes(options.excludeCredentials);
  } else {
    read.allowCredentials = withBytes(options.allowCredentials);
  }
  return read;
}

function writeCredential(credential) {
  if (credential.toJSON) return credential.toJSON();
  const { response } = credential;
  const written = { clientDataJSON: toText(response.clientDataJSON) };
  for (const name of ["attestationObject", "authenticatorData", "signature", "userHandle"]) {
    if (response[name]) written[name] = toText(response[name]);
  }
  if (response.getTransports) written.transports = response.getTransports();
  return {
    id: credential.id,
    rawId: toText(credential.rawId),
    type: credential.type,
    authenticatorAttachment: credential.authenticatorAttachment,
    clientExtensionResults: credential.getClientExtensionResults(),
    response: written,
  };
}

function say(text, calm = false) {
  says.classList.toggle("calm", calm);
  says.textContent = text;
}

async function post(address, members, signal) {
  const reply = await fetch(address, {
    method: "POST",
    credentials: "same-origin",
    headers: { "Content-Type": "application/json", "Accept": "application/json", "X-CSRFToken": token },
    signal,
    body: JSON.stringify({ tx: box.dataset.tx, sealed_number: box.dataset.sealed, name: typedName(), ...members }),
  });
  const answer = await reply.json().catch(() => ({}));
  if (answer.next) follow(answer.next);
  if (!reply.ok) throw new Refused(answer.next ? "" : answer.message || box.dataset.broken);
  return answer;
}

const typedName = () => box.querySelector('input[name="name"]')?.value;

function follow(next) {
  const address = new URL(next, location.href);
  if (address.protocol !== "javascript:") location.assign(address);
}

// Only the newest asking counts: a login that waits in the number field gives way to the button.
async function ask(extra = {}) {
  waiting?.abort();
  chosen = false;
  waiting = new AbortController();
  const { signal } = waiting;
  const options = await post(box.dataset.options, {}, signal);
  const request = { publicKey: readOptions(options.publicKey ?? options), signal, ...extra };
  const credential = await (creating ? navigator.credentials.create(request) : navigator.credentials.get(request));
  chosen = true;
  say(box.dataset.working, true);
  await post(box.dataset.verify, { credential: writeCredential(credential) });
}

function explain(error) {
  if (error instanceof Refused) return error.message;
  if (error instanceof TypeError) return box.dataset.offline;
  return { NotAllowedError: box.dataset.cancelled, InvalidStateError: box.dataset.twice }[error.name] ?? box.dataset.broken;
}

async function start(event) {
  event?.preventDefault();
  if (button.getAttribute("aria-disabled") === "true") return;
  button.setAttribute("aria-disabled", "true");
  say(box.dataset.working, true);
  try {
    await ask();
  } catch (error) {
    say(explain(error));
  } finally {
    button.removeAttribute("aria-disabled");
  }
}

async function offer() {
  if (!(await PublicKeyCredential.isConditionalMediationAvailable?.())) return;
  try {
    await ask({ mediation: "conditional" });
  } catch (error) {
    // who has not chosen a passkey has done nothing that could fail
    if (chosen) say(explain(error));
  }
}

if (!window.PublicKeyCredential) {
  button.hidden = true;
  say(box.dataset.unsupported);
} else {
  if (creating) box.addEventListener("submit", start);
  else button.addEventListener("click", start);
  if (box.dataset.autofill) offer();
}
