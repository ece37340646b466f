// On a narrow screen a process is first seen at its states, which are in the middle.
for (const box of document.querySelectorAll(".drawing")) {
  box.scrollLeft = (box.scrollWidth - box.clientWidth) / 2;
}
