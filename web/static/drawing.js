// On a narrow screen a process is first seen at its states, which are in the middle.
const middle = new ResizeObserver((boxes) => {
  for (const { target } of boxes) target.scrollLeft = (target.scrollWidth - target.clientWidth) / 2;
});
for (const box of document.querySelectorAll(".drawing")) middle.observe(box);
