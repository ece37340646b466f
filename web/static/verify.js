// Works out the SHA-256 of a file in the browser, so that the file need not be sent.
const drop = document.getElementById("drop");
const local = document.getElementById("local");
const sha256 = document.getElementById("sha256");

async function fill(file) {
  const digest = await crypto.subtle.digest("SHA-256", await file.arrayBuffer());
  sha256.value = [...new Uint8Array(digest)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

// There only where pages come over https, or from this machine.
if (globalThis.crypto?.subtle) {
  drop.hidden = false;
  local.addEventListener("change", () => local.files.length && fill(local.files[0]));
}

// A file may be dropped anywhere on a form that takes one.
for (const input of [document.getElementById("file"), local]) {
  const form = input.closest("form");
  form.addEventListener("dragover", (event) => event.preventDefault());
  form.addEventListener("drop", (event) => {
    event.preventDefault();
    if (event.dataTransfer.files.length) {
      input.files = event.dataTransfer.files;
      input.dispatchEvent(new Event("change"));
    }
  });
}
