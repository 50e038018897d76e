// Line numbers beside the policy editor, and links that lead to a line and column in it.
(() => {
  const editor = document.querySelector("[data-editor]");
  if (!editor) return;
  const text = editor.querySelector("textarea");
  const gutter = document.createElement("div");
  let wrong = new Set(editor.dataset.errors.split(",").filter(Boolean).map(Number)),
    shown;
  gutter.className = "gutter";
  gutter.setAttribute("aria-hidden", "true");
  editor.append(gutter);

  function draw() {
    const count = text.value.split("\n").length;
    if (count === shown) return;
    shown = count;
    gutter.textContent = "";
    for (let line = 1; line <= count; line++) {
      const number = wrong.has(line) ? document.createElement("b") : new Text();
      number.textContent = line;
      gutter.append(number, "\n");
    }
    gutter.scrollTop = text.scrollTop;
  }

  // Errors are about the text as it was validated.
  text.addEventListener("input", () => {
    if (wrong.size) {
      wrong = new Set();
      shown = 0;
    }
    draw();
  });
  text.addEventListener("scroll", () => {
    gutter.scrollTop = text.scrollTop;
  });
  document.addEventListener("click", event => {
    const link = event.target.closest("[data-line]");
    if (!link) return;
    event.preventDefault();
    const lines = text.value.split("\n"),
      line = Math.min(+link.dataset.line, lines.length);
    const before = lines.slice(0, line - 1).join("\n").length + (line > 1);
    const at = before + Math.min(+link.dataset.column - 1, lines[line - 1].length);
    text.focus();
    text.setSelectionRange(at, at);
    text.scrollTop = (line - 1) * parseFloat(getComputedStyle(text).lineHeight) - text.clientHeight / 2;
    text.scrollLeft = 0;
    editor.scrollIntoView({ block: "nearest" });
  });
  draw();
})();
