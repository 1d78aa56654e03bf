"use strict";
(() => {
  const byId = (id) => document.getElementById(id);
  const data = JSON.parse(byId("data").textContent);
  const [IMAGE, ORIGINAL, NAME, KINDS, STATUS, WIDTH, HEIGHT, FRACTION, LENGTH, PER_DIAMETER, MESSAGE] =
    Array.from({ length: 11 }, (_, index) => index);
  const STATUSES = ["error", "warning", "skipped", "ok"];
  const SHOWN_BY_BROWSERS = /\.(png|jpe?g|gif|bmp|webp)$/i;
  const THUMBNAIL = "thumbnail";
  const rows = data.rows;

  const element = (tag, className, text) => {
    const made = document.createElement(tag);
    if (className) made.className = className;
    if (text !== undefined) made.textContent = text;
    return made;
  };
  const button = (className, text) => {
    const made = element("button", className, text);
    made.type = "button";
    return made;
  };
  const count = (number) => number.toLocaleString("en");
  const images = (number) => `${count(number)} image${number === 1 ? "" : "s"}`;
  const percent = (fraction) => `${(100 * fraction).toFixed(1)} %`;
  const readable = (link) => {
    try {
      return decodeURIComponent(link);
    } catch {
      return link; // a name that is no UTF-8
    }
  };
  const baseName = (row) => row[IMAGE].split(/[\\/]/).pop() || row[IMAGE];

  /** The files there are of an image, by kind. */
  const filesOf = (row) => {
    const found = new Map();
    data.kinds.forEach(([kind, ending], index) => {
      if (row[KINDS] & (1 << index)) found.set(kind, `${kind}/${row[NAME]}${ending}`);
    });
    return found;
  };

  // Sorting and filtering

  const collator = new Intl.Collator("en", { numeric: true });
  const SORTS = [
    ["order of the table", null],
    ["name", (row) => baseName(row)],
    ["status", (row) => STATUSES.indexOf(row[STATUS])],
    ["vessel fraction", (row) => row[FRACTION]],
    ["length per diameter", (row) => row[PER_DIAMETER]],
    ["length in pixels", (row) => row[LENGTH]],
    ["image size", (row) => (row[WIDTH] === null ? null : row[WIDTH] * row[HEIGHT])],
  ];
  const state = { sort: 0, descending: false, words: [], statuses: new Set(Object.keys(data.counts)), vessels: false };
  const searched = rows.map((row) => `${row[IMAGE]}\n${row[MESSAGE]}`.toLowerCase());
  const held = new Set();
  let order = [];

  const sorted = () => {
    const key = SORTS[state.sort][1];
    const numbers = rows.map((_, index) => index);
    const sign = state.descending ? -1 : 1;
    if (key === null) return state.descending ? numbers.reverse() : numbers;
    const keys = rows.map(key);
    const compare = state.sort === 1 ? collator.compare : (one, other) => one - other;
    return numbers.sort((one, other) => {
      if (keys[one] === null || keys[other] === null) return (keys[one] === null) - (keys[other] === null) || one - other;
      return sign * compare(keys[one], keys[other]) || one - other;
    });
  };
  const fits = (index) =>
    state.statuses.has(rows[index][STATUS]) && state.words.every((word) => searched[index].includes(word));

  let inOrder = sorted();
  const choose = () => {
    order = inOrder.filter(fits);
    byId("shown").textContent = order.length === rows.length ? images(rows.length) : `${count(order.length)} of ${images(rows.length)}`;
    byId("none").hidden = order.length > 0;
    arrange();
  };
  const resort = () => {
    inOrder = sorted();
    byId("direction").textContent = state.descending ? "↓ descending" : "↑ ascending";
    choose();
  };

  // The grid: only the cards near the window exist

  const GAP = 12;
  const ROWS_BEYOND = 2;
  const grid = byId("grid");
  const cards = new Map();
  let width = 0;
  let columns = 1;
  let cardWidth = 0;
  let pictureHeight = 0;
  let cardHeight = 0;

  const arrange = () => {
    width = grid.clientWidth;
    const rem = parseFloat(getComputedStyle(document.documentElement).fontSize);
    const narrow = grid.clientWidth < 40 * rem;
    const least = narrow ? 8.7 * rem : 13 * rem;
    columns = Math.max(1, Math.floor((grid.clientWidth + GAP) / (least + GAP)));
    cardWidth = Math.floor((grid.clientWidth - GAP * (columns - 1)) / columns);
    pictureHeight = Math.round(0.78 * cardWidth);
    cardHeight = pictureHeight + Math.round((narrow ? 6.9 : 5.8) * rem);
    grid.style.height = `${Math.ceil(order.length / columns) * (cardHeight + GAP)}px`;
    for (const card of cards.values()) card.remove();
    cards.clear();
    draw();
  };

  const draw = () => {
    const top = -grid.getBoundingClientRect().top;
    const step = cardHeight + GAP;
    const from = Math.max(0, Math.floor(top / step) - ROWS_BEYOND) * columns;
    const to = Math.min(order.length, (Math.ceil((top + window.innerHeight) / step) + ROWS_BEYOND) * columns);
    for (const [position, card] of cards) {
      if ((position < from || position >= to) && !card.contains(document.activeElement)) {
        card.remove();
        cards.delete(position);
      }
    }
    let before = null;
    for (let position = to - 1; position >= from; position--) {
      if (!cards.has(position)) {
        const card = cardAt(position);
        cards.set(position, card);
        grid.insertBefore(card, before);
      }
      before = cards.get(position);
    }
  };

  const cardAt = (position) => {
    const row = rows[order[position]];
    const card = element("article", "card");
    card.setAttribute("role", "listitem");
    card.setAttribute("aria-setsize", order.length);
    card.setAttribute("aria-posinset", position + 1);
    card.style.width = `${cardWidth}px`;
    card.style.height = `${cardHeight}px`;
    const column = position % columns;
    const line = (position - column) / columns;
    card.style.transform = `translate(${column * (cardWidth + GAP)}px, ${line * (cardHeight + GAP)}px)`;
    const text = element("div", "text");
    const name = button("name", baseName(row));
    name.title = row[IMAGE];
    name.addEventListener("click", () => open(position));
    const numbers = element("div", "numbers");
    numbers.append(element("span", `status ${row[STATUS]}`, row[STATUS]));
    if (row[FRACTION] !== null) {
      numbers.append(` ${percent(row[FRACTION])} · `, element("span", "", `${row[PER_DIAMETER].toFixed(1)} diameters`));
      numbers.title = "vessels, of the field of view · length of the centrelines, in its diameters";
    }
    text.append(name, numbers);
    if (row[MESSAGE]) {
      const message = element("div", "message", row[MESSAGE]);
      message.title = row[MESSAGE];
      text.append(message);
    }
    card.append(picture(row, position, card), text);
    return card;
  };

  const picture = (row, position, card) => {
    const index = order[position];
    const made = button("picture");
    made.style.height = `${pictureHeight}px`;
    made.setAttribute("aria-label", `${baseName(row)}: enlarge`);
    const files = filesOf(row);
    const nothing = () => made.replaceChildren(element("span", "", row[STATUS] === "error" ? "no maps" : "no picture"));
    const one = files.get("overlay") || [...files.values()].pop();
    const whole = () => {
      if (one === undefined || one === files.get(THUMBNAIL)) return nothing();
      made.replaceChildren(pictureOf(one, "whole", nothing));
    };
    if (files.has(THUMBNAIL)) {
      const pair = element("span", "pair");
      const fit = (width, height) => {
        pair.classList.toggle("tall", height / width > pictureHeight / cardWidth);
        pair.style.aspectRatio = `${width} / ${height}`;
      };
      const small = pictureOf(files.get(THUMBNAIL), "", whole);
      fit(row[WIDTH] || 1, row[HEIGHT] || 1);
      if (!row[WIDTH]) small.addEventListener("load", () => fit(small.naturalWidth / 2, small.naturalHeight));
      pair.append(small);
      made.append(pair);
    } else {
      whole();
    }
    const mark = () => card.classList.toggle("showing", state.vessels || held.has(index));
    mark();
    // not CSS's :hover, which a tap leaves behind
    made.addEventListener("pointerenter", (event) => card.classList.toggle("pointed-at", event.pointerType !== "touch"));
    made.addEventListener("pointerleave", () => card.classList.remove("pointed-at"));
    made.addEventListener("click", (event) => {
      if (event.pointerType !== "touch" || !files.has(THUMBNAIL)) return open(position);
      if (!held.delete(index)) held.add(index);
      mark();
    });
    return made;
  };

  const pictureOf = (link, className, onError) => {
    const image = element("img", className);
    image.alt = "";
    image.loading = "lazy";
    image.decoding = "async";
    image.addEventListener("error", onError, { once: true });
    image.src = link;
    return image;
  };

  // One image

  const detail = byId("detail");
  let openAt = -1;
  let view = "overlay";

  const open = (position) => {
    openAt = position;
    show();
    if (!detail.open) detail.showModal();
  };

  const show = () => {
    const row = rows[order[openAt]];
    const files = filesOf(row);
    files.delete(THUMBNAIL);
    const views = new Map(files);
    if (SHOWN_BY_BROWSERS.test(row[IMAGE]) && row[STATUS] !== "error") views.set("image", row[ORIGINAL]);
    byId("detail-name").textContent = baseName(row);
    byId("previous").disabled = openAt === 0;
    byId("next").disabled = openAt === order.length - 1;
    const current = views.has(view) ? view : [...views.keys()].at(0);
    byId("views").replaceChildren(
      ...[...views.keys()].map((kind) => {
        const choice = button("", kind);
        choice.setAttribute("aria-pressed", kind === current);
        choice.addEventListener("click", () => {
          view = kind;
          show();
          [...byId("views").children].find((other) => other.textContent === kind).focus();
        });
        return choice;
      }),
    );
    const large = byId("large");
    const nothing = (text) => large.replaceChildren(element("span", "", text));
    if (current === undefined) {
      nothing(row[STATUS] === "error" ? "no maps" : "no picture");
    } else {
      const image = pictureOf(views.get(current), "", () => nothing(`${readable(views.get(current))} cannot be shown`));
      image.alt = `${current} of ${baseName(row)}`;
      image.loading = "eager";
      large.replaceChildren(image);
    }
    byId("detail-message").textContent = row[MESSAGE];
    const facts = [
      ["image", row[IMAGE]],
      ["status", row[STATUS]],
      ["size", row[WIDTH] === null ? null : `${row[WIDTH]} × ${row[HEIGHT]} pixels`],
      ["vessels", row[FRACTION] === null ? null : `${percent(row[FRACTION])} of the field of view`],
      ["length", row[LENGTH] === null ? null : `${count(Math.round(row[LENGTH]))} pixels, ${row[PER_DIAMETER].toFixed(2)} diameters of the field of view`],
    ];
    const links = element("dd");
    for (const [kind, link] of [...files, ["original image", row[ORIGINAL]]]) {
      const anchor = element("a", "", kind);
      anchor.href = link;
      anchor.target = "_blank";
      links.append(anchor, " ");
    }
    byId("facts").replaceChildren(
      ...facts.filter(([, value]) => value !== null).flatMap(([key, value]) => [element("dt", "", key), element("dd", "", value)]),
      element("dt", "", "files"),
      links,
    );
  };

  const move = (by) => {
    if (openAt + by < 0 || openAt + by >= order.length) return;
    openAt += by;
    show();
  };
  byId("previous").addEventListener("click", () => move(-1));
  byId("next").addEventListener("click", () => move(1));
  byId("close").addEventListener("click", () => detail.close());
  detail.addEventListener("keydown", (event) => {
    if (event.key === "ArrowLeft") move(-1);
    if (event.key === "ArrowRight") move(1);
  });
  detail.addEventListener("click", (event) => {
    if (event.target === detail) detail.close();
  });
  detail.addEventListener("close", () => {
    const line = Math.floor(openAt / columns);
    const top = grid.getBoundingClientRect().top + window.scrollY + line * (cardHeight + GAP);
    if (top < window.scrollY || top + cardHeight > window.scrollY + window.innerHeight) window.scrollTo(0, top - cardHeight / 2);
    draw();
    const card = cards.get(openAt);
    if (card) card.querySelector(".picture").focus({ preventScroll: true });
  });

  // Controls

  byId("about").textContent = data.about.map(([key, value]) => `${key} ${value}`).join(" · ");
  if (rows.length < data.total) {
    byId("left-out").hidden = false;
    byId("left-out").textContent =
      `${count(rows.length)} of ${images(data.total)} are on this page, those with an error or a warning first; predictions.csv has all.`;
  }
  for (const status of STATUSES.filter((one) => one in data.counts)) {
    const label = element("label", "choice");
    const box = element("input");
    box.type = "checkbox";
    box.checked = true;
    box.value = status;
    box.addEventListener("change", () => {
      state.statuses[box.checked ? "add" : "delete"](status);
      choose();
    });
    label.append(box, element("span", `status ${status}`, status), ` ${count(data.counts[status])}`);
    byId("statuses").append(label);
  }
  SORTS.forEach(([title], index) => byId("sort").append(new Option(title, index)));
  byId("sort").addEventListener("change", () => {
    state.sort = Number(byId("sort").value);
    resort();
  });
  byId("direction").addEventListener("click", () => {
    state.descending = !state.descending;
    resort();
  });
  let waiting = 0;
  byId("filter").addEventListener("input", () => {
    clearTimeout(waiting);
    waiting = setTimeout(() => {
      state.words = byId("filter").value.toLowerCase().split(/\s+/).filter(Boolean);
      choose();
    }, 120);
  });
  byId("controls").addEventListener("submit", (event) => event.preventDefault());
  byId("vessels").addEventListener("change", () => {
    state.vessels = byId("vessels").checked;
    held.clear();
    for (const card of cards.values()) card.classList.toggle("showing", state.vessels);
  });
  let drawing = false;
  window.addEventListener(
    "scroll",
    () => {
      if (drawing) return;
      drawing = true;
      requestAnimationFrame(() => {
        drawing = false;
        draw();
      });
    },
    { passive: true },
  );
  new ResizeObserver(() => (grid.clientWidth === width ? draw() : arrange())).observe(grid);
  resort();
})();
