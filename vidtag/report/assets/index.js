// The index of a batch: search by label or name. Without this script the whole list stands there.
"use strict";
(() => {
  const byId = (id) => document.getElementById(id);
  const data = JSON.parse(byId("data").textContent);
  if (!byId("find")) return;
  const typed = byId("filter"), status = byId("status");
  const entries = data.map((entry, k) => ({...entry, part: byId("video-" + k)}));

  function clock(seconds) {
    const tenths = Math.round(seconds * 10);
    const [h, m, s] = [Math.floor(tenths / 36000), Math.floor(tenths / 600) % 60, tenths % 600];
    const rest = String(Math.floor(s / 10)).padStart(2, "0") + (s % 10 ? "." + (s % 10) : "");
    return (h ? h + ":" + String(m).padStart(2, "0") : m) + ":" + rest;
  }

  /** One line: a label that was found, with links to its best moments on the video's page. */
  function hit([label, count, ...moments], page) {
    const line = document.createElement("li"), name = document.createElement("bdi");
    name.textContent = label;
    line.append(name);
    for (const moment of moments) {
      const place = document.createElement(page ? "a" : "span");
      if (page) place.href = page + "#t=" + moment;
      place.textContent = clock(moment);
      line.append(" ", place);
    }
    if (count > moments.length) line.append(` and ${count - moments.length} more`);
    return line;
  }

  function search() {
    const text = typed.value.trim().toLocaleLowerCase();
    let num = 0;
    for (const {part, name, folder, labels} of entries) {
      const found = text ? labels.filter(([label]) => label.toLocaleLowerCase().includes(text)) : [];
      const isNamed = (folder + "/" + name).toLocaleLowerCase().includes(text);
      part.hidden = Boolean(text) && !found.length && !isNamed;
      num += !part.hidden;
      const link = part.querySelector("h2 a"), hits = part.querySelector(".hits");
      hits.replaceChildren(...found.slice(0, 5).map((one) => hit(one, link && link.getAttribute("href"))));
      hits.hidden = !found.length;
    }
    status.textContent = text ? `${num} of ${entries.length} videos` : "";
  }

  byId("find").hidden = false;
  typed.addEventListener("input", search);
  search();
})();
