// What is folded is written in at once when it is opened: by a click, by r, or from the queue.
const write = (part) => part.querySelector("textarea, input:not([type=hidden])")?.focus();

for (const part of document.querySelectorAll("details.act")) {
  part.querySelector("summary").addEventListener("click", () => {
    if (!part.open) setTimeout(() => write(part));
  });
}

const back = document.getElementById("key-r");
if (back && location.hash === "#key-r") {
  back.open = true;
  write(back);
}
