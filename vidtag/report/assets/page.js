// The page of one video. Without this script the page still shows everything but the player's
// position; with it, every moment on the page leads there. No library, no network.
"use strict";
(() => {
  const byId = (id) => document.getElementById(id);
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];
  const data = JSON.parse(byId("data").textContent);
  const length = data.end - data.start;
  const labelOf = new Map(data.indices.map((index, place) => [index, data.labels[place]]));
  const canvas = byId("canvas"), scroller = byId("scroller"), axis = byId("axis");
  const video = byId("video");
  let position = data.start;
  // Where the first picture lies in the browser's time: the page counts from there, but some
  // files begin later than 0. Until it is known, a wanted moment waits.
  let offset = 0, isPlaced = !video, wanted = null;

  // --- time ---------------------------------------------------------------------------------
  function clock(seconds) {
    const tenths = Math.round(seconds * 10);
    const [h, m, s] = [Math.floor(tenths / 36000), Math.floor(tenths / 600) % 60, tenths % 600];
    const rest = String(Math.floor(s / 10)).padStart(2, "0") + (s % 10 ? "." + (s % 10) : "");
    return (h ? h + ":" + String(m).padStart(2, "0") : m) + ":" + rest;
  }

  function decimal(thousandths) {
    return thousandths > 0 && thousandths < 5 ? "<0.01" : (thousandths / 1000).toFixed(2);
  }

  /** The step on the timeline at a moment: the last one that starts no later. */
  function stepAt(seconds) {
    let low = 0, high = data.starts.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (data.starts[middle] <= seconds + 1e-6) low = middle + 1; else high = middle;
    }
    return low - 1;
  }

  /** A step's labels with their scores, best first. */
  function tagsOf(step) {
    const flat = data.steps[step] || [], tags = [];
    for (let k = 0; k < flat.length; k += 2) tags.push([data.labels[flat[k]], flat[k + 1]]);
    return tags;
  }

  /** Whether no label holds at a moment. */
  function isGap(seconds) {
    return data.gaps.some(([start, end]) => start <= seconds && seconds < end);
  }

  // --- position: where the page stands, whether or not a video plays -----------------------
  function show(seconds) {
    position = Math.min(Math.max(seconds, data.start), data.end);
    if (!canvas) return;
    const head = byId("head");
    head.hidden = seconds < data.start - 0.001 || seconds > data.end + 0.001;
    head.style.setProperty("--at", (position - data.start) / length);
    const step = stepAt(position), tags = tagsOf(step);
    byId("when").textContent = clock(position);
    if (byId("then").dataset.step !== String(step)) {
      byId("then").dataset.step = step;
      const guess = document.createElement("li");
      guess.textContent = "– maybe";
      byId("then").classList.toggle("guess", isGap(position));
      byId("then").replaceChildren(...(isGap(position) && tags.length ? [guess] : []), ...tags.map(([label, score]) => {
        const item = document.createElement("li"), value = document.createElement("b");
        item.textContent = label;
        value.textContent = decimal(score);
        item.append(value);
        return item;
      }));
    }
    axis.setAttribute("aria-valuenow", position.toFixed(1));
    axis.setAttribute("aria-valuetext",
      clock(position) + (isGap(position) ? ", no clear action, maybe" : "") +
      (tags.length ? (isGap(position) ? " " : ", ") + tags[0][0] + " " + decimal(tags[0][1]) : ""));
  }

  function seek(seconds) {
    const target = Math.min(Math.max(seconds, data.start), data.end);
    if (!isPlaced) wanted = target;
    else if (video && !video.hidden) video.currentTime = target + offset;
    show(target);
  }

  if (video) {
    const place = (first) => {
      if (isPlaced) return;
      [isPlaced, offset] = [true, first];
      if (wanted !== null) seek(wanted);
    };
    if (video.requestVideoFrameCallback) {
      video.requestVideoFrameCallback((now, frame) => place(frame.mediaTime));
      // A tab in the background shows no picture: then the browser's own start has to do.
      video.addEventListener("loadeddata", () => {
        setTimeout(() => place(video.played.length ? 0 : video.currentTime), 1000);
      });
    } else place(0);
    const giveUp = () => {
      video.hidden = true;
      byId("unplayable").hidden = false;
      byId("hero").classList.remove("with-player");
    };
    video.addEventListener("error", giveUp);
    video.addEventListener("loadedmetadata", () => {
      if (video.videoWidth === 0) giveUp(); // sound without a picture: a codec it doesn't know
    });
    if (video.error) giveUp();
    for (const event of ["timeupdate", "seeked"]) {
      video.addEventListener(event, () => { if (isPlaced) show(video.currentTime - offset); });
    }
    // `timeupdate` comes four times a second: between, the strip follows each frame.
    const follow = () => {
      if (isPlaced) show(video.currentTime - offset);
      if (!scroller || video.paused || video.ended) return;
      const head = byId("head").offsetLeft - scroller.scrollLeft;
      if (canvas.clientWidth > scroller.clientWidth && (head < 0 || head > scroller.clientWidth - 20)) {
        scroller.scrollLeft += head - scroller.clientWidth / 3;
      }
      requestAnimationFrame(follow);
    };
    video.addEventListener("play", follow);
  }

  // --- every link to a moment, on this page or from the index ------------------------------
  function momentOf(hash) {
    const match = /^#t=(\d+(?:\.\d+)?)$/.exec(hash);
    return match ? Number(match[1]) : null;
  }

  document.addEventListener("click", (event) => {
    const link = event.target.closest("a[href^='#t=']");
    if (!link) return;
    event.preventDefault();
    // On the strip a click means the place under the pointer, and Enter the segment's start.
    if (link.closest(".track") && event.detail > 0) return;
    seek(momentOf(link.getAttribute("href")));
    if (video && !video.hidden && !link.closest(".track")) {
      byId("player").scrollIntoView({block: "nearest"});
    }
  });

  function goToHash() {
    const moment = momentOf(location.hash);
    if (moment !== null) seek(moment);
  }
  addEventListener("hashchange", goToHash);

  // --- the strip ----------------------------------------------------------------------------
  function timeUnder(event) {
    const box = axis.getBoundingClientRect();
    return data.start + Math.min(Math.max((event.clientX - box.left) / box.width, 0), 1) * length;
  }

  function bars() {
    return all(".lane").filter((lane) => lane.offsetParent).map((lane) => all(".bars a", lane));
  }

  if (canvas) {
    byId("tools").hidden = byId("readout").hidden = byId("keys").hidden = false;
    for (const [name, value] of Object.entries({
      role: "slider", tabindex: 0, "aria-label": "Position in the video",
      "aria-valuemin": data.start, "aria-valuemax": data.end,
    })) axis.setAttribute(name, value);

    canvas.addEventListener("click", (event) => {
      if (event.detail > 0 && event.target.closest(".track")) seek(timeUnder(event));
    });
    axis.addEventListener("pointerdown", (event) => {
      axis.setPointerCapture(event.pointerId);
      seek(timeUnder(event));
    });
    axis.addEventListener("pointermove", (event) => {
      if (axis.hasPointerCapture(event.pointerId)) seek(timeUnder(event));
    });
    const hover = byId("hover");
    canvas.addEventListener("pointermove", (event) => {
      hover.hidden = event.pointerType !== "mouse" || !event.target.closest(".track");
      hover.style.setProperty("--at", (timeUnder(event) - data.start) / length);
      byId("hover-time").textContent = clock(timeUnder(event));
    });
    canvas.addEventListener("pointerleave", () => { hover.hidden = true; });

    axis.addEventListener("keydown", (event) => {
      const step = stepAt(position), last = data.starts.length - 1;
      const to = {
        ArrowRight: data.starts[Math.min(step + 1, last)],
        ArrowUp: data.starts[Math.min(step + 1, last)],
        ArrowLeft: data.starts[Math.max(position > data.starts[step] + 0.01 ? step : step - 1, 0)],
        ArrowDown: data.starts[Math.max(position > data.starts[step] + 0.01 ? step : step - 1, 0)],
        PageDown: position + length / 10, PageUp: position - length / 10,
        Home: data.start, End: data.end,
      }[event.key];
      if (to === undefined) return;
      event.preventDefault();
      seek(to);
    });

    // One stop for Tab; arrow keys walk from segment to segment.
    const links = all(".bars a");
    links.forEach((link, k) => link.setAttribute("tabindex", k ? -1 : 0));
    canvas.addEventListener("focusin", (event) => {
      const link = event.target.closest(".bars a");
      if (link) links.forEach((one) => one.setAttribute("tabindex", one === link ? 0 : -1));
    });
    canvas.addEventListener("keydown", (event) => {
      const link = event.target.closest(".bars a");
      if (!link) return;
      const lanes = bars(), row = lanes.findIndex((lane) => lane.includes(link));
      const place = lanes[row].indexOf(link);
      let next = {
        ArrowRight: lanes[row][place + 1], ArrowLeft: lanes[row][place - 1],
        Home: lanes[row][0], End: lanes[row].at(-1),
      }[event.key];
      if (event.key === "ArrowDown" || event.key === "ArrowUp") {
        const others = event.key === "ArrowDown" ? lanes.slice(row + 1) : lanes.slice(0, row).reverse();
        const here = momentOf(link.getAttribute("href"));
        const away = (one) => Math.abs(momentOf(one.getAttribute("href")) - here);
        next = (others.find((lane) => lane.length) || []).toSorted((a, b) => away(a) - away(b))[0];
      } else if (!["ArrowRight", "ArrowLeft", "Home", "End"].includes(event.key)) return;
      event.preventDefault();
      if (next) next.focus();
    });

    // On a narrow screen the names stay in view while the strip scrolls under them.
    const fit = () => canvas.style.setProperty("--view", scroller.clientWidth + "px");
    addEventListener("resize", fit);
    fit();

    for (const button of all("[data-zoom]")) {
      button.addEventListener("click", () => {
        all("[data-zoom]").forEach((one) => one.setAttribute("aria-pressed", one === button));
        canvas.style.setProperty("--zoom", button.dataset.zoom);
        canvas.className = "canvas z" + button.dataset.zoom;
        scroller.scrollLeft = byId("head").offsetLeft - scroller.clientWidth / 2;
      });
    }
  }

  // --- filter: typed text, and labels that were pressed -------------------------------------
  const chosen = new Set(), typed = byId("filter"), unfold = byId("unfold");
  const parts = all("[data-index]");
  let isUnfolded = false;

  function filter() {
    const text = typed.value.trim().toLocaleLowerCase();
    const isFiltering = text !== "" || chosen.size > 0;
    const seen = new Set();
    for (const part of parts) {
      const index = Number(part.dataset.index), label = labelOf.get(index) || "";
      const isShown = (!chosen.size || chosen.has(index)) && label.toLocaleLowerCase().includes(text);
      part.hidden = !isShown;
      if (isShown) seen.add(index);
    }
    const lanes = new Set(all(".lane").map((lane) => lane.dataset.index)).size;
    canvas.classList.toggle("folded", !isUnfolded && !isFiltering);
    if (unfold) unfold.hidden = isFiltering;
    const status = byId("status");
    status.textContent = !isFiltering ? ""
      : seen.size ? `${seen.size} of ${lanes} labels shown. ` : "No label matches. ";
    if (isFiltering) {
      const clear = document.createElement("button");
      clear.type = "button";
      clear.className = "more-button";
      clear.textContent = "Show all";
      clear.addEventListener("click", () => {
        chosen.clear();
        typed.value = "";
        all("button.label").forEach((button) => button.setAttribute("aria-pressed", false));
        filter();
        typed.focus();
      });
      status.append(clear);
    }
  }

  if (canvas) {
    typed.addEventListener("input", filter);
    for (const button of all("button.label")) {
      button.addEventListener("click", () => {
        const index = Number(button.closest("[data-index]").dataset.index);
        if (!chosen.delete(index)) chosen.add(index);
        button.setAttribute("aria-pressed", chosen.has(index));
        filter();
      });
    }
    if (unfold) {
      unfold.hidden = false;
      unfold.addEventListener("click", () => {
        isUnfolded = !isUnfolded;
        unfold.setAttribute("aria-expanded", isUnfolded);
        unfold.textContent = isUnfolded ? "Show fewer" : `Show all ${all(".lane").length} labels`;
        filter();
      });
    }
    filter();
  }

  // --- the table of steps is long, so it is made when it is opened ---------------------------
  const steps = byId("steps");
  if (steps) {
    steps.hidden = false;
    steps.addEventListener("toggle", () => {
      const body = byId("steps-body");
      if (!steps.open || body.rows.length) return;
      data.starts.forEach((start, step) => {
        const row = body.insertRow(), link = document.createElement("a");
        link.href = "#t=" + start;
        link.textContent = clock(start);
        row.insertCell().append(link);
        const cell = row.insertCell();
        if (isGap(start)) {
          row.className = "guess";
          cell.append("– maybe ");
        }
        for (const [label, score] of tagsOf(step)) {
          const tag = document.createElement("span"), value = document.createElement("b");
          value.textContent = decimal(score);
          tag.append(label + " ", value);
          cell.append(tag, " ");
        }
      });
    });
  }

  // --- files to take along: packed in the page, unpacked when they are asked for -------------
  async function save([name, type, packed]) {
    const bytes = Uint8Array.from(atob(packed), (one) => one.charCodeAt(0));
    const unpacked = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([await new Response(unpacked).arrayBuffer()], {type}));
    link.download = name;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 60000);
  }

  if (data.files.length && window.DecompressionStream) {
    byId("files").hidden = false;
    for (const button of all("[data-file]")) {
      button.addEventListener("click", () => save(data.files[button.dataset.file]));
    }
  }

  // Paper shows the table of segments, open or not.
  let wasOpen = true;
  addEventListener("beforeprint", () => {
    const table = byId("segments");
    if (table) { wasOpen = table.open; table.open = true; }
  });
  addEventListener("afterprint", () => {
    const table = byId("segments");
    if (table) table.open = wasOpen;
  });

  show(data.start);
  goToHash();
})();
