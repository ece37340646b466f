// Passkeys: what the browser is asked, and what it answers, between our forms and its own dialogue.

const bytes = (text) =>
  Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (one) => one.charCodeAt(0));

const text = (buffer) =>
  btoa(String.fromCharCode(...new Uint8Array(buffer)))
    .replaceAll("+", "-")
    .replaceAll("/", "_")
    .replaceAll("=", "");

const named = (list) => (list ?? []).map((one) => ({ ...one, id: bytes(one.id) }));

const told = (made) => {
  const response = {};
  for (const name of ["clientDataJSON", "attestationObject", "authenticatorData", "signature", "userHandle"]) {
    if (made.response[name]) response[name] = text(made.response[name]);
  }
  return JSON.stringify({
    id: made.id,
    rawId: text(made.rawId),
    type: made.type,
    response,
    clientExtensionResults: made.getClientExtensionResults(),
  });
};

const create = (asked) =>
  navigator.credentials.create({
    publicKey: {
      ...asked,
      challenge: bytes(asked.challenge),
      user: { ...asked.user, id: bytes(asked.user.id) },
      excludeCredentials: named(asked.excludeCredentials),
    },
  });

const get = (asked) =>
  navigator.credentials.get({
    publicKey: { ...asked, challenge: bytes(asked.challenge), allowCredentials: named(asked.allowCredentials) },
  });

// What the office asks, by which token its answer is known.
const begun = async (form, address) => {
  const answer = await fetch(address, { method: "POST", body: new URLSearchParams(new FormData(form)) });
  if (!answer.ok) throw new Error(String(answer.status));
  return answer.json();
};

// What is to be asked stands in the page, or is fetched when it is wanted.
const wanted = async (form) => {
  if (form.dataset.options) return JSON.parse(form.dataset.options);
  const { token, options } = await begun(form, form.dataset.begin);
  form.elements.token.value = token;
  return options;
};

for (const form of document.querySelectorAll("form[data-passkey]")) {
  if (!window.PublicKeyCredential) continue;
  const failed = form.querySelector("[data-failed]");
  const busy = form.querySelector("button");
  form.closest("[data-passkeys]").hidden = false;
  form.addEventListener("submit", async (event) => {
    if (form.elements.answer.value) return;
    event.preventDefault();
    failed.hidden = true;
    busy.disabled = true;
    try {
      const asked = await wanted(form);
      const made = await (form.dataset.passkey === "create" ? create(asked) : get(asked));
      form.elements.answer.value = told(made);
      form.submit();
    } catch {
      failed.hidden = false;
      busy.disabled = false;
    }
  });
}

// In place of a password, where somebody consents: whatever else the form wants has to be there first.
for (const button of document.querySelectorAll("button[data-prove]")) {
  if (!window.PublicKeyCredential) continue;
  const { form } = button;
  const { password, passkey, answer } = form.elements;
  const part = button.closest("[data-passkeys]");
  const failed = part.querySelector("[data-failed]");
  part.hidden = false;
  button.addEventListener("click", async () => {
    if (password) password.value = "";
    if (password) password.required = false;
    const complete = form.reportValidity();
    if (password) password.required = true;
    if (!complete) return;
    failed.hidden = true;
    button.disabled = true;
    try {
      const { token, options } = await begun(form, button.dataset.prove);
      answer.value = told(await get(options));
      passkey.value = token;
      form.submit();
    } catch {
      failed.hidden = false;
      button.disabled = false;
    }
  });
}
