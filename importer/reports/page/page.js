"use strict";
// All rows: search, filters, order, and a table that holds only the rows in sight. Texts are set as text, never as markup.
(() => {
  const [PLACE, NUMBER, NAME, STATE, COUNTRY, MOTIVE, SCORE, WHY, CODE, UUID, CHANGES] = Array(11).keys();
  const data = JSON.parse(document.getElementById("data").textContent);
  const { rows, states, places, countries, motives, scores } = data;
  const by = (id) => document.getElementById(id);
  const box = by("window"), body = by("body"), table = by("table"), detail = by("detail");
  const find = by("find"), state = by("state"), country = by("country"), motive = by("motive");
  const make = (tag, text, kind) => {
    const made = document.createElement(tag);
    if (text !== undefined) made.textContent = text;
    if (kind) made.className = kind;
    return made;
  };
  const several = places.filter(Boolean).length > 1;
  const where = (row) => [row[NUMBER] || "", several ? places[row[PLACE]] : ""].join(" ").trim();
  const place = (row) => [places[row[PLACE]], row[NUMBER] && `row ${row[NUMBER]}`].filter(Boolean).join(", ");
  const words = new Array(rows.length);
  const wordsOf = (at) => words[at] ??= [
    places[rows[at][PLACE]], rows[at][NUMBER], rows[at][NAME], rows[at][WHY].join("\n"), rows[at][CODE], rows[at][UUID],
    rows[at][CHANGES].join("\n"),
  ].join("\n").toLowerCase();

  let shown = [], column = 0, falling = false, height = 0, first = -1;

  const draw = (again) => {
    height ||= body.rows[0]?.getBoundingClientRect().height || 42;
    const from = Math.max(0, Math.floor(box.scrollTop / height) - 20);
    if (!again && Math.abs(from - first) < 8) return;
    first = from;
    const focused = document.activeElement?.dataset?.at;
    const until = Math.min(shown.length, from + Math.ceil(box.clientHeight / height) + 40);
    const lines = [pad(from * height)];
    for (let line = from; line < until; line += 1) lines.push(drawn(line));
    lines.push(pad((shown.length - until) * height));
    body.replaceChildren(...lines);
    if (focused !== undefined) body.querySelector(`[data-at="${Number(focused)}"]`)?.focus({ preventScroll: true });
  };
  const pad = (size) => {
    const line = make("tr", undefined, "pad"), cell = make("td");
    cell.colSpan = 6;
    line.hidden = !size;
    line.setAttribute("aria-hidden", "true");
    cell.style.height = `${size}px`;
    line.append(cell);
    return line;
  };
  const drawn = (line) => {
    const at = shown[line], row = rows[at], made = make("tr"), name = make("td"), open = make("button");
    made.setAttribute("aria-rowindex", line + 2);
    open.type = "button";
    open.dataset.at = at;
    open.dir = "auto";
    open.append(make("span", row[NAME] || "(no name)"));
    open.setAttribute("aria-haspopup", "dialog");
    name.append(open);
    made.append(make("td", where(row), "c-row"), name, make("td", states[row[STATE]][1], "c-state"),
      make("td", countries[row[COUNTRY]], "c-place"), make("td", motives[row[MOTIVE]], "c-place"),
      make("td", [...row[WHY], ...row[CHANGES]].join("; "), "c-why"));
    return made;
  };
  const key = (row) => column === NAME ? row[NAME].toLowerCase()
    : column === STATE ? row[STATE] : column === COUNTRY ? countries[row[COUNTRY]] : motives[row[MOTIVE]];
  const update = () => {
    const wanted = find.value.trim().toLowerCase();
    const fits = (row) => (!state.value || (state.value === "work" ? states[row[STATE]][2] : states[row[STATE]][0] === state.value))
      && (!country.value || row[COUNTRY] === Number(country.value)) && (!motive.value || row[MOTIVE] === Number(motive.value));
    shown = [];
    rows.forEach((row, at) => { if (fits(row) && (!wanted || wordsOf(at).includes(wanted))) shown.push(at); });
    if (column > NUMBER) {
      const keys = new Map(shown.map((at) => [at, key(rows[at])]));
      shown.sort((a, b) => (keys.get(a) < keys.get(b) ? -1 : keys.get(a) > keys.get(b) ? 1 : a - b));
    }
    if (falling) shown.reverse();
    table.setAttribute("aria-rowcount", shown.length + 1);
    by("shown").textContent = `${shown.length.toLocaleString("en")} of ${rows.length.toLocaleString("en")} rows`;
    box.scrollTop = 0;
    draw(true);
  };
  const facts = (row) => [
    ["Where", place(row)], ["Outcome", states[row[STATE]][1]],
    ["Country", countries[row[COUNTRY]]], ["Motive", motives[row[MOTIVE]]], ["Confidence", scores[row[SCORE]]],
    ["Code", row[CODE]], ...row[WHY].map((text) => ["Why", text]), ...row[CHANGES].map((text) => ["Differs", text]), ["Tag", row[UUID]],
  ].filter(([, text]) => text);
  body.addEventListener("click", (event) => {
    const at = event.target.closest("tr")?.querySelector("button")?.dataset.at;
    if (at === undefined) return;
    by("detail-name").textContent = rows[at][NAME];
    by("detail-facts").replaceChildren(...facts(rows[at]).flatMap(([name, text]) => [make("dt", name), make("dd", text)]));
    detail.showModal();
  });
  by("close").addEventListener("click", () => detail.close());
  const fill = (select, texts, at) => {
    const counts = new Array(texts.length).fill(0);
    rows.forEach((row) => { counts[row[at]] += 1; });
    texts.map((text, value) => [text || "not given", value]).filter(([, value]) => counts[value])
      .sort((a, b) => counts[b[1]] - counts[a[1]]).forEach(([text, value]) => {
        select.append(new Option(`${text} (${counts[value].toLocaleString("en")})`, value));
      });
  };
  fill(country, countries, COUNTRY);
  fill(motive, motives, MOTIVE);
  table.querySelectorAll("th[data-sort]").forEach((head) => {
    const press = make("button", head.textContent);
    press.type = "button";
    head.replaceChildren(press);
    press.addEventListener("click", () => {
      falling = column === Number(head.dataset.sort) && !falling;
      column = Number(head.dataset.sort);
      table.querySelectorAll("th").forEach((other) => other.removeAttribute("aria-sort"));
      head.setAttribute("aria-sort", falling ? "descending" : "ascending");
      update();
    });
  });
  document.querySelectorAll("[data-filter]").forEach((link) => link.addEventListener("click", () => {
    find.value = state.value = country.value = motive.value = "";
    by(link.dataset.filter).value = link.dataset.value;
    update();
  }));
  // What needs a person, by row instead of by value: the rows that need work, then those with a warning, 200 at a time.
  const needing = rows.filter((row) => states[row[STATE]][2]), warned = rows.filter((row) => !states[row[STATE]][2] && row[WHY].length);
  const waiting = [...needing, ...warned], more = by("more-rows");
  const rowItem = (row) => {
    const made = make("li"), title = make("p", undefined, "what"), texts = make("ul");
    title.append(make("b"), make("span", ` ${place(row)} · ${states[row[STATE]][1]}`, "soft"));
    title.firstChild.append(make("bdi", row[NAME] || "(no name)"));
    row[WHY].forEach((text) => texts.append(make("li", text)));
    made.append(title, texts);
    return made;
  };
  const listMore = () => {
    by("by-row").firstChild.append(...waiting.splice(0, 200).map(rowItem));
    more.hidden = !waiting.length;
    more.textContent = `${waiting.length.toLocaleString("en")} more`;
  };
  more.addEventListener("click", listMore);
  ["by-value", "by-row"].forEach((view, at, views) => by(`${view}-on`)?.addEventListener("click", () => {
    if (view === "by-row" && !by(view).firstChild.firstChild) listMore();
    views.forEach((other) => {
      by(other).hidden = other !== view;
      by(`${other}-on`).setAttribute("aria-pressed", other === view);
    });
  }));
  document.querySelectorAll(".script-only").forEach((part) => { part.hidden = false; });
  by("first").hidden = true;
  box.classList.add("live");
  find.addEventListener("input", update);
  [state, country, motive].forEach((select) => select.addEventListener("change", update));
  box.addEventListener("scroll", () => draw(false), { passive: true });
  update();
})();
