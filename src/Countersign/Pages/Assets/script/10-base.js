"use strict";
// What a script adds to pages that work without it: times in the reader's zone, news without reload, keys,
// copied links.
(() => {
  const $ = (selector, from = document) => from.querySelector(selector);
  const $$ = (selector, from = document) => [...from.querySelectorAll(selector)];
  const body = document.body;
  const news = $("#news");
  const say = text => {
    if (text) news.textContent = text;
  };

  // --- Times: sent in UTC, shown where the reader is; "12 min ago" stays true while the page is open ---
  const language =
    navigator.languages.find(one => one.split("-")[0] === document.documentElement.lang) ||
    document.documentElement.lang;
  // The zone that the reader chose, or the browser's.
  const zone = { timeZone: body.dataset.zone || undefined, hourCycle: "h23" };
  const brief = { ...zone, day: "numeric", month: "short", hour: "2-digit", minute: "2-digit" };
  const short = new Intl.DateTimeFormat(language, brief);
  const dated = new Intl.DateTimeFormat(language, { ...brief, year: "numeric" });
  const full = new Intl.DateTimeFormat(language, { ...zone, dateStyle: "full", timeStyle: "long" });
  const relative = new Intl.RelativeTimeFormat(language, { numeric: "always", style: "short" });
  const skew = Date.parse(body.dataset.now) - Date.now();
  const now = () => Date.now() + skew;

  function parts(milliseconds) {
    const minutes = Math.trunc(Math.abs(milliseconds) / 60000);
    return minutes < 60
      ? [Math.max(1, minutes), "minute"]
      : minutes < 2880
        ? [Math.trunc(minutes / 60), "hour"]
        : [Math.trunc(minutes / 1440), "day"];
  }

  function times(from = document) {
    for (const time of $$("time", from)) {
      const at = new Date(time.dateTime),
        ago = now() - at;
      time.title = full.format(at);
      if ("relative" in time.dataset) {
        const [count, unit] = parts(ago);
        time.textContent = Math.abs(ago) < 45000 ? news.dataset.now : relative.format(ago > 0 ? -count : count, unit);
      } else if ("span" in time.dataset) {
        const [count, unit] = parts(ago);
        time.textContent = new Intl.NumberFormat(language, {
          style: "unit",
          unit,
          unitDisplay: unit === "day" ? "long" : "short",
        }).format(count);
      } else {
        time.textContent = (new Date(now()).getFullYear() === at.getFullYear() ? short : dated).format(at);
      }
    }
  }

  // --- A place that waits for something looks again by itself until it has happened ---
  const marks = of =>
    $$(".badge", of)
      .map(badge => badge.textContent)
      .join();
  for (const place of $$("[data-again]")) {
    const timer = setInterval(async () => {
      if (document.hidden) return;
      let answer;
      try {
        answer = await fetch(body.dataset.base + place.dataset.again, {
          headers: { Accept: "text/html" },
          redirect: "error",
        });
      } catch {
        return;
      }
      const fresh =
        answer.ok && new DOMParser().parseFromString(await answer.text(), "text/html").getElementById(place.id);
      if (!fresh || marks(fresh) === marks(place)) return;
      if (!("again" in fresh.dataset)) clearInterval(timer);
      times(fresh);
      place.replaceChildren(...fresh.childNodes);
      say($(".badge.success", place)?.textContent);
    }, 3000);
  }

  // --- News: a hint over a stream, then the same page once more, of which only what changed is put in place ---
  const about = body.dataset.live;
  let hasListened = false;
  let stream,
    again,
    asking = false,
    more = false;

  const pause = milliseconds => new Promise(done => setTimeout(done, milliseconds));

  // However much happens, the page asks at most twice a second.
  async function hear() {
    more = true;
    if (asking) return;
    asking = true;
    while (more) {
      more = false;
      await pause(100);
      await refresh();
      if (more) await pause(400);
    }
    asking = false;
  }

  function listen() {
    if (!about || document.hidden || stream) return;
    stream = new EventSource(`${body.dataset.base}/live?about=${encodeURIComponent(about)}`);
    stream.onopen = () => {
      body.dataset.listening = "yes";
      // What happened since the last stream ended isn't told again.
      if (hasListened) hear();
      hasListened = true;
    };
    stream.onmessage = hear;
    stream.onerror = () => {
      if (stream && stream.readyState === EventSource.CLOSED) {
        deaf();
        clearTimeout(again);
        again = setTimeout(listen, 10000);
      }
    };
  }

  function deaf() {
    if (stream) stream.close();
    stream = undefined;
    delete body.dataset.listening;
  }

  // After a filter all rows may be new, which is nothing to announce.
  async function refresh(isFilter) {
    let answer;
    try {
      answer = await fetch(location.href, { headers: { Accept: "text/html" }, redirect: "error" });
      if (!answer.ok) return;
    } catch {
      return;
    }
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
    times(fresh);
    frame(fresh);
    if (about === "inbox") inbox(fresh, isFilter);
    else hub.request(fresh);
  }

  // How many need a review: in the tab's title, its icon and the navigation.
  function frame(fresh) {
    document.title = fresh.title;
    const [icon, next] = [$("link[rel=icon]"), $("link[rel=icon]", fresh)];
    if (icon && next && icon.getAttribute("href") !== next.getAttribute("href")) icon.replaceWith(next);
    const rail = $(".rail nav");
    if (rail && !rail.contains(document.activeElement)) put(rail, $(".rail nav", fresh));
  }

  // Pages without an event stream ask once a minute, while they are visible.
  let asked = Date.now();
  async function count() {
    const link = $(".rail nav a");
    if (about || !link || document.hidden || Date.now() - asked < 60000) return;
    asked = Date.now();
    let pending;
    try {
      const answer = await fetch(`${body.dataset.base}/pending`, { redirect: "error" });
      pending = await answer.json();
    } catch {
      return;
    }
    const bare = document.title.replace(/^\(\d+\+?\) /, "");
    document.title = pending.count ? `(${pending.count}) ${bare}` : bare;
    $("link[rel=icon]").href = pending.icon;
    $(".count", link)?.remove();
    if (!pending.count) return;
    const badge = document.createElement("span");
    badge.className = "count";
    badge.textContent = pending.count;
    link.append(badge);
  }

  function put(old, fresh) {
    if (!old || !fresh) return false;
    // What the reader has opened stays open.
    const open = $$("details", old).map(one => one.open);
    $$("details", fresh).forEach((one, i) => {
      one.open ||= open[i];
    });
    if (old.innerHTML === fresh.innerHTML) return false;
    old.replaceChildren(...fresh.childNodes);
    return true;
  }

  function inbox(fresh, isFilter) {
    const nameOf = one => one.id || one.value || one.getAttribute("href");
    const before = new Set($$("[data-row]").map(row => row.dataset.row));
    const active = document.activeElement;
    for (const old of $$("[data-part]")) {
      const part = fresh.getElementById(old.id);
      if (!part) continue;
      // What is chosen, typed and pointed at stays so.
      const chosen = new Set($$("input:checked", old).map(box => box.value));
      const typed = $("[name=note]", old)?.value;
      const at = old.contains(active) ? nameOf(active) : undefined;
      const caret = active.selectionStart;
      for (const box of $$("input[type=checkbox]", part)) box.checked = chosen.has(box.value);
      const note = $("[name=note]", part);
      if (note && typed) note.value = typed;
      if (put(old, part) && at) {
        const same = $$("a, input, button", old).find(one => nameOf(one) === at);
        same?.focus({ preventScroll: true });
        if (same?.name === "note") same.setSelectionRange(caret, caret);
      }
    }
    const come = $$("[data-row]").filter(row => !before.has(row.dataset.row));
    if (come.length && !isFilter) say(`${news.dataset.come} ${$(".subject", come[0]).textContent.trim()}`);
    document.dispatchEvent(new Event("refreshed"));
  }

  document.addEventListener("visibilitychange", () => {
    if (document.hidden) deaf();
    else if (about) {
      listen();
      hear();
    } else count();
  });
  addEventListener("pagehide", deaf);
  addEventListener("pageshow", event => {
    if (!event.persisted) return;
    if (about) {
      listen();
      hear();
    } else count();
  });

  // --- Keys ---
  const rows = () => $$(".subject");

  function step(by) {
    const all = rows();
    if (!all.length) return;
    const at = all.findIndex(
      row => row === document.activeElement || row.closest("li").contains(document.activeElement),
    );
    const next = all[at < 0 ? (by > 0 ? 0 : all.length - 1) : Math.min(all.length - 1, Math.max(0, at + by))];
    next.focus();
    next.closest("li").scrollIntoView({ block: "nearest" });
  }

  function choose() {
    const box = document.activeElement.closest("[data-row]")?.querySelector("input[type=checkbox]");
    if (box) {
      box.checked = !box.checked;
      box.dispatchEvent(new Event("change", { bubbles: true }));
    }
    return box;
  }

  function answer(value) {
    const form = $("#answer") || $("#bulk");
    if (!form) return;
    if (form.id === "bulk" && !$("input:checked", form)) choose();
    const button = $(`button[value=${value}]`, form);
    const note = $("[name=note]", form);
    // A rejection needs a reason, so that comes first.
    if (button) (value === "reject" && !note.value ? note : button).focus();
  }

  const keys = {
    j: () => step(1),
    k: () => step(-1),
    x: choose,
    a: () => answer("approve"),
    r: () => answer("reject"),
    c: () => ($("#text") || $("#note"))?.focus(),
    "/": () => {
      const search = $("[type=search]");
      if (search) {
        search.focus();
        search.select();
      } else location.href = `${body.dataset.base}/`;
    },
    "?": () => $("#keys")?.showModal(),
  };

  document.addEventListener("keydown", event => {
    const menu = $(".menu[open]");
    if (event.key === "Escape" && menu) {
      menu.open = false;
      $("summary", menu).focus();
    }
    if (event.key === "Escape" && /^(INPUT|TEXTAREA|SELECT)$/.test(event.target.tagName)) event.target.blur();
    if (event.ctrlKey || event.metaKey || event.altKey || $("dialog[open]")) return;
    if (
      event.target.isContentEditable ||
      (/^(INPUT|TEXTAREA|SELECT)$/.test(event.target.tagName) && event.target.type !== "checkbox")
    )
      return;
    const act = keys[event.key];
    if (act) {
      event.preventDefault();
      act();
    }
  });

  // --- Small things ---
  document.addEventListener("click", async event => {
    for (const menu of $$(".menu[open]")) if (!menu.contains(event.target)) menu.open = false;
    if (event.target.closest("[data-keys]")) $("#keys")?.showModal();
    const copy = event.target.closest("[data-copy]");
    if (!copy || !navigator.clipboard || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    try {
      await navigator.clipboard.writeText(copy.href);
      const text = copy.textContent;
      copy.textContent = copy.dataset.copy;
      say(copy.dataset.copy);
      setTimeout(() => {
        copy.textContent = text;
      }, 2500);
    } catch {
      location.href = copy.href;
    }
  });

  // A form is sent once, however often its button is pressed; a page from the browser's memory may be sent again.
  document.addEventListener("submit", event => {
    if (event.target.method !== "post" || event.submitter?.formTarget === "_blank") return;
    if (event.target.dataset.sent) event.preventDefault();
    event.target.dataset.sent = "yes";
  });
  addEventListener("pageshow", () => {
    for (const form of $$("form[data-sent]")) delete form.dataset.sent;
  });

  for (const hidden of $$("[data-keys]")) hidden.hidden = false;
  times();
  setInterval(() => {
    times();
    count();
  }, 30000);
  window.hub = { $, $$, news, say, put, refresh };
  listen();
})();
