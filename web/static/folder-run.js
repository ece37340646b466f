// A go of the signing folder: each document as it stands, told as it happens.

const run = document.getElementById("run");
if (run && !("settled" in run.dataset)) {
  const counts = document.getElementById("counts");
  const going = document.getElementById("going");
  const bar = run.querySelector("progress");
  const source = new EventSource(run.dataset.events);

  const count = (data) => {
    counts.textContent = counts.dataset.words
      .replace("{released}", data.released)
      .replace("{of}", data.of)
      .replace("{sealed}", data.sealed)
      .replace("{refused}", data.refused);
    going.textContent = going.dataset.words.replace("{going}", data.going);
    going.hidden = data.going === 0;
    bar.value = data.half;
  };

  source.addEventListener("told", (event) => {
    const data = JSON.parse(event.data);
    const row = document.getElementById(`r${data.request}`);
    row.className = data.tone;
    row.querySelector(".said").textContent = data.text;
    row.querySelector(".hint").textContent = data.hint;
    count(data);
  });

  // another question, or the end of it: the page itself is another
  source.addEventListener("turn", () => location.reload());

  source.addEventListener("end", (event) => {
    source.close();
    count(JSON.parse(event.data));
    run.querySelector(".again")?.parentElement.remove();
    const head = document.querySelector("h1[data-settled]");
    if (head) {
      document.title = document.title.replace(head.textContent, head.dataset.settled);
      head.textContent = head.dataset.settled;
    }
  });

  // followed on too many pages: the others are told
  source.addEventListener("crowded", () => {
    source.close();
    run.querySelector("[data-crowded]").hidden = false;
  });

  addEventListener("pagehide", () => source.close());
}
