// Selecting on one page: all at once, and how many are.
const boxes = [...document.querySelectorAll("[data-pick]")];
const all = document.getElementById("pick-all");
const count = document.getElementById("picked");

function tell() {
  const number = boxes.filter((one) => one.checked).length;
  count.textContent = count.dataset.words.replace("{count}", number);
  if (!all) return;
  all.checked = number === boxes.length;
  all.indeterminate = number > 0 && number < boxes.length;
}

if (count && boxes.length > 0) {
  if (all) {
    all.closest("[hidden]").hidden = false;
    all.addEventListener("change", () => {
      for (const one of boxes) one.checked = all.checked;
      tell();
    });
  }
  for (const one of boxes) one.addEventListener("change", tell);
  tell();
}
