// The signing folder: choose all or none without a new page, and tell how many are chosen.

const stack = document.getElementById("stack");
if (stack) {
  const boxes = [...stack.querySelectorAll('input[name="chosen"]')];
  const counted = stack.querySelector("[data-counted]");

  const tell = () => {
    const chosen = boxes.filter((box) => box.checked);
    const people = new Set(chosen.map((box) => box.dataset.whose)).size;
    counted.textContent = counted.dataset.counted
      .replace("{count}", chosen.length)
      .replace("{of}", boxes.length)
      .replace("{people}", people);
  };

  stack.addEventListener("change", tell);
  for (const link of stack.querySelectorAll("[data-choose]")) {
    link.addEventListener("click", (event) => {
      event.preventDefault();
      for (const box of boxes) {
        box.checked = link.dataset.choose === "all";
      }
      tell();
    });
  }
  tell();
}
