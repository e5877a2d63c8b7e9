"use strict";
// Pairs, then values, with a key or a button each; the program writes each answer down before the next one is asked.
(() => {
  const by = (id) => document.getElementById(id);
  const asked = JSON.parse(by("asked").textContent);
  const { questions, answers } = asked;
  const NOTE = "tag-importer-review-note";
  const make = (tag, text, kind) => {
    const made = document.createElement(tag);
    if (text !== undefined) made.textContent = text;
    if (kind) made.className = kind;
    return made;
  };
  const box = by("decide");
  let at = 0, busy = false;
  history.replaceState(null, "", asked.path);  // the token was good once, and has no place in a history

  const say = (text, bad) => { by("decide-said").textContent = text; by("decide-said").className = bad ? "bad" : "soft"; };
  const send = async (what, body) => {
    if (busy) return false;
    busy = true;
    try {
      const answer = await fetch(asked.path + what, {
        method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body), redirect: "error",
      });
      if (answer.ok) return true;
      const told = await answer.json().catch(() => ({}));
      if (told.again) {
        sessionStorage.setItem(NOTE, told.error);
        location.reload();
      } else say(told.error ?? "That was refused: start review again.", true);
    } catch {
      say(`Review has ended. What was decided is in ${asked.file}; start it again to go on.`, true);
    } finally {
      busy = false;
    }
    return false;
  };

  // A text with the names that both have marked in it.
  const marked = (text, names) => {
    const made = make("dd"), found = make("bdi"), low = text.toLowerCase();
    let from = 0;
    while (from < text.length) {
      const next = names.map((name) => [low.indexOf(name.toLowerCase(), from), name.length]).filter(([spot]) => spot >= 0)
        .sort((a, b) => a[0] - b[0] || b[1] - a[1])[0];
      if (!next) break;
      found.append(text.slice(from, next[0]), make("mark", text.slice(next[0], next[0] + next[1])));
      from = next[0] + next[1];
    }
    found.append(text.slice(from));
    made.append(found);
    return made;
  };
  const side = ({ name, where, country, facts }, names) => {
    const made = make("article"), title = make("h3"), list = make("dl");
    title.append(make("bdi", name));
    facts.forEach(([column, text]) => list.append(make("dt", column), marked(text, names)));
    made.append(title, make("p", [where, country].filter(Boolean).join(" · "), "soft"), list);
    return made;
  };

  const left = () => questions.filter((_, number) => !(number in answers)).length;
  const answer = (reply, more, said) => async () => {
    if (!await send("answer", { edition: asked.edition, number: at, reply, ...more })) return;
    answers[at] = said ?? reply;
    at += 1;
    show();
    box.focus({ preventScroll: true });
    say(`Written: ${said ?? reply}. ${left()} left.`);
  };
  const means = (word) => answer("means", { means: word }, `means ${word}`);
  const back = async () => {
    if (!at) return;
    const before = at - 1;
    if (before in answers && !await send("answer", { edition: asked.edition, number: before, reply: null })) return;
    delete answers[before];
    at = before;
    show();
    say("Back; what was decided here is taken back.");
  };
  const next = () => { at = Math.min(at + 1, questions.length); show(); };
  const done = async () => {
    const decided = Object.keys(answers).length;
    if (!await send("done", {})) return;
    const title = make("h1", `${decided} decided, ${left()} left.`);
    title.tabIndex = -1;
    document.body.replaceChildren(title, make("p", `All of it is in ${asked.file}. Review has ended; this page can be closed.`));
    title.focus();
  };

  const CLOSE = ["q", "Done", done];
  const choices = () => {
    if (at >= questions.length) return [["b", "Back, and undo", back], CLOSE];
    const { sides, nearest } = questions[at];
    const own = sides ? [
      ["s", `Same, keep “${sides[0].name}”`, answer("same", { keep: 0 })], ["S", `Same, keep “${sides[1].name}”`, answer("same", { keep: 1 })],
      ["d", "Different", answer("different")], ["o", "Overlap", answer("overlaps")], ["u", "Unsure", answer("unsure")],
    ] : [
      ...(nearest ? [["y", `It means “${nearest}”`, means(nearest)]] : []),
      ["m", "It means something else", () => by("decide-word").focus()],
      ["l", "Leave it as it is", answer("leave", {}, "left as it is")],
    ];
    return [...own, ["n", "Next", next], ["b", "Back, and undo", back], CLOSE];
  };
  // A text that could not be read: where it is, and a line to write what it means.
  const value = ({ value: text, field, rows, cells, why, allowed }) => {
    const made = make("article"), title = make("h3"), label = make("label", `As ${field} it means `), word = make("input");
    title.append("“", make("bdi", text), "”");
    word.id = "decide-word";
    word.maxLength = 200;
    word.setAttribute("list", "decide-words");
    word.addEventListener("keydown", (event) => {
      if (event.key === "Enter" && word.value.trim()) means(word.value.trim())();
      if (event.key === "Escape") box.focus({ preventScroll: true });
      event.stopPropagation();
    });
    by("decide-words").replaceChildren(...allowed.map((one) => new Option(one)));
    label.append(word);
    made.append(title, make("p", why), make("p", `${rows} · ${cells}`, "soft"), label);
    return made;
  };
  const show = () => {
    const question = questions[at];
    by("decide-what").textContent = !question ? "" : question.sides ? "Are these one actor?" : "What does this mean?";
    by("decide-at").textContent = question ? `${at + 1} of ${questions.length}${at in answers ? `, decided: ${answers[at]}` : ""}` : "";
    by("decide-sides").replaceChildren(...(question?.sides ?? []).map((one) => side(one, question.shared)),
      ...(question && !question.sides ? [value(question)] : []));
    by("decide-why").textContent = question ? (question.sides ? question.why : "") : `${left() ? `${left()} left undecided` : "All decided"}. Done ends the review.`;
    by("decide-answers").replaceChildren(...choices().map(([key, text, act]) => {
      const press = make("button"), sign = make("kbd", key);
      press.type = "button";
      press.setAttribute("aria-keyshortcuts", key);
      press.append(make("bdi", text), " ", sign);
      press.addEventListener("click", () => { box.focus({ preventScroll: true }); act(); });
      return press;
    }));
  };
  box.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.altKey || event.metaKey || event.repeat) return;
    const choice = choices().find(([key]) => key === event.key);
    if (!choice) return;
    event.preventDefault();
    choice[2]();
  });
  while (at in answers) at += 1;
  show();
  if (sessionStorage.getItem(NOTE)) say(sessionStorage.getItem(NOTE), true);
  sessionStorage.removeItem(NOTE);
  box.focus({ preventScroll: true });
})();
