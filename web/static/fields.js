// What a form of fields gains in a browser that runs modules: fields that do not apply are out of sight, what is
// linked to is unfolded, and who leaves with something typed is asked first.

const valueOf = (form, name) => {
  const found = form.elements.namedItem(name);
  return found === null ? null : found.value;
};

const isFilled = (part) =>
  [...part.querySelectorAll("input, select, textarea")].some((one) =>
    one.type === "radio" ? one.checked && one.value !== "" : one.type !== "hidden" && one.value !== "",
  );

const look = (form) => {
  for (const part of form.querySelectorAll("[data-when]")) {
    const said = valueOf(form, part.dataset.when);
    const asked = said === null || part.dataset.among.split(" ").includes(said);
    part.hidden = !asked && !isFilled(part) && part.querySelector(".told") === null;
    if (part.matches("details") && asked && said !== null) part.open = true;
  }
};

const unfold = () => {
  const target = location.hash && document.getElementById(location.hash.slice(1));
  if (!target) return;
  for (let part = target.closest("details"); part; part = part.parentElement.closest("details")) part.open = true;
  target.scrollIntoView();
  target.focus();
};

for (const form of document.querySelectorAll("form.fields")) {
  let typed = form.dataset.typed === "yes";
  look(form);
  form.addEventListener("change", () => look(form));
  form.addEventListener("input", () => (typed = true));
  form.addEventListener("submit", () => (typed = false));
  addEventListener("beforeunload", (event) => {
    if (typed) event.preventDefault();
  });
}
addEventListener("hashchange", unfold);
unfold();
