"use strict";
(() => {
  const text = document.getElementById("text");
  const status = document.getElementById("status");
  const shown = document.getElementById("shown");
  const rows = Array.from(document.querySelectorAll("#rows tbody tr"));
  const words = rows.map((row) => row.textContent.toLowerCase());
  const filter = () => {
    const wanted = text.value.trim().toLowerCase();
    let count = 0;
    rows.forEach((row, at) => {
      const kind = row.dataset.status;
      const fits = (!status.value || kind === status.value || (status.value === "work" && row.dataset.work === "yes"))
        && (!wanted || words[at].includes(wanted));
      row.hidden = !fits;
      if (fits) count += 1;
    });
    shown.textContent = count.toLocaleString() + " of " + rows.length.toLocaleString() + " shown";
  };
  if (text && status) {
    document.getElementById("filter").hidden = false;
    text.addEventListener("input", filter);
    status.addEventListener("change", filter);
    filter();
  }
  window.addEventListener("beforeprint", () => {
    document.querySelectorAll("details").forEach((part) => { part.open = true; });
  });
})();
