// Goes on to the portal once the frames that tell others have loaded, or when they had time enough.

const next = document.querySelector("[data-goes-on]");

function go() {
  location.replace(next.href);
}

if (document.readyState === "complete") go();
else window.addEventListener("load", go);
setTimeout(go, Number(next.dataset.goesOn));
