const lines = document.querySelector(".lines");
const body = document.querySelector("tbody");

function look(row) {
  const chosen = row === undefined ? [] : document.querySelectorAll(`[data-row="${row}"]`);
  document.querySelectorAll(".on").forEach((one) => one.classList.remove("on"));
  lines?.classList.toggle("looking", chosen.length > 0);
  chosen.forEach((one) => one.classList.add("on"));
}

document.querySelectorAll("[data-row]").forEach((one) => {
  one.addEventListener("mouseenter", () => look(one.dataset.row));
  one.addEventListener("mouseleave", () => look());
});

function valueOf(row, column) {
  const cell = row.cells[column];
  if (cell.dataset.value !== undefined) return Number(cell.dataset.value);
  return cell.classList.contains("none") ? undefined : cell.textContent;
}

function compare(left, right) {
  if (left === undefined || right === undefined) return (left === undefined) - (right === undefined);
  if (typeof left === "number" && typeof right === "number") return left - right;
  return String(left).localeCompare(String(right), undefined, { numeric: true });
}

document.querySelectorAll("th:not(.fixed)").forEach((head) => {
  head.querySelector("button").addEventListener("click", () => {
    const up = head.getAttribute("aria-sort") !== "ascending";
    document.querySelectorAll("th").forEach((one) => one.removeAttribute("aria-sort"));
    head.setAttribute("aria-sort", up ? "ascending" : "descending");
    const rows = [...body.rows];
    const column = head.cellIndex;
    rows.sort((a, b) => {
      const [left, right] = [valueOf(a, column), valueOf(b, column)];
      const missing = left === undefined || right === undefined;
      return missing || up ? compare(left, right) : compare(right, left);
    });
    body.append(...rows);
  });
});
