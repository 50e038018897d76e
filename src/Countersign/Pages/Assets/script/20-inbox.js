// The inbox: how many are selected, and filters that apply at once.
(() => {
  let isFiltered = false;
  const count = () => {
    const selected = document.querySelectorAll("#bulk .rows :checked").length;
    if (!selected) return;
    for (const one of document.querySelectorAll("#bulk [data-count]"))
      one.textContent = one.dataset.count.replace("{0}", selected);
  };
  document.addEventListener("change", event => {
    if (event.target.closest("#bulk")) count();
    const filter = event.target.closest("[data-apply]");
    if (!filter) return;
    const fields = new URLSearchParams([...new FormData(filter)].filter(([, value]) => value));
    history.pushState(null, "", `${filter.action}?${fields}`);
    isFiltered = true;
    const search = document.querySelector("#search");
    for (const old of search.querySelectorAll("[type=hidden]")) old.remove();
    for (const [name, value] of fields) {
      if (name === "text") continue;
      search.prepend(Object.assign(document.createElement("input"), { type: "hidden", name, value }));
    }
    hub.refresh(true);
  });
  document.addEventListener("click", event => {
    const all = event.target.closest("[data-select]")?.dataset.select;
    if (!all) return;
    for (const box of document.querySelectorAll("#bulk .rows input")) box.checked = all === "all";
    count();
    if (all === "none") document.querySelector(".subject")?.focus();
  });
  document.addEventListener("refreshed", count);
  addEventListener("popstate", () => {
    if (isFiltered) location.reload();
  });
  count();
})();
