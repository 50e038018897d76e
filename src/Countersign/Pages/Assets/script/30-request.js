// A request: what happens while its page is open, and on a phone the sheet in which one decides.
(() => {
  const { $, $$, news, say, put } = hub;
  const digest = of => $("#answer [name=digest]", of)?.value;
  const buttons = of => $$("#answer button[name], button[form=answer]", of);
  const names = of =>
    buttons(of)
      .map(button => button.value)
      .join();

  hub.request = fresh => {
    if (digest(document) && digest(fresh) && digest(document) !== digest(fresh)) {
      // What a reviewer is reading doesn't change: they are told, and a decision on it would be refused.
      if (!$("#stale")) {
        const notice = document.createElement("div");
        notice.id = "stale";
        notice.className = "notice warning";
        const link = document.createElement("a");
        link.href = `${location.pathname}?seen=${digest(document)}`;
        link.textContent = news.dataset.show;
        notice.append(`${news.dataset.stale} `, link);
        $("#request").before(notice);
        say(news.dataset.stale);
      }
      return;
    }
    const standing = $("#standing").innerText;
    const isTyped = $$("#request textarea").some(text => text.value);
    let changed = false;
    if (names(document) !== names(fresh) && !isTyped) {
      $("#request").replaceWith($("#request", fresh));
      changed = true;
    } else {
      for (const button of buttons(document)) button.disabled = !names(fresh).split(",").includes(button.value);
      for (const old of $$("[data-part]")) changed = put(old, fresh.getElementById(old.id)) || changed;
    }
    if (changed && $("#standing").innerText !== standing) say($("#standing").innerText);
  };

  // The sheet asks for the decision that was pressed in the bar.
  document.addEventListener("click", event => {
    const intent = event.target.closest("button[data-intent]")?.dataset.intent;
    if (!intent) return;
    $("#review-sheet").dataset.intent = intent;
    if (intent === "reject") setTimeout(() => $("#note").focus());
  });
  document.addEventListener(
    "toggle",
    event => {
      if (event.target.id === "review-sheet" && event.newState === "closed") delete event.target.dataset.intent;
    },
    true,
  );
})();
