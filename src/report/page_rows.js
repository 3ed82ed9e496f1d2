/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A layer's rows: all samples, a million if need be, and the few of them that draw the same picture: of
 * each column of pixels the first, the lowest, the highest and the last, as src/report/chart.c does.
 */
/* What html_data.c wrote: n rows of varints, each a step in microseconds and steps of the values. */
function unpack(text, n, width) {
	const bytes = atob(text);
	const at = new Float64Array(n);
	const values = Array.from({ length: width }, () => new Float64Array(n));
	const sums = new Float64Array(n);
	const last = new Array(width).fill(0);
	let p = 0, us = 0;

	function next() {
		let value = 0, scale = 1, byte;
		do {
			byte = bytes.charCodeAt(p++);
			value += (byte & 127) * scale;
			scale *= 128;
		} while (byte & 128);
		return value;
	}
	for (let i = 0; i < n; i++) {
		us += next();
		at[i] = us / 1e6;
		for (let j = 0; j < width; j++) {
			const code = next();
			if (code === 0) {
				values[j][i] = NaN;
			} else {
				last[j] += code % 2 ? (1 - code) / 2 : code / 2;
				values[j][i] = last[j] * KIB;
			}
			sums[i] += values[j][i];
		}
	}
	return { n, width, at, values, sums, blocks: summarize(sums) };
}

/* Of each block of rows the lowest, the highest and a gap, so that thinning looks at few rows. */
const BLOCK = 256;
function summarize(sums) {
	const n = Math.ceil(sums.length / BLOCK);
	const low = new Int32Array(n).fill(-1), high = new Int32Array(n).fill(-1),
		gap = new Int32Array(n).fill(-1);
	for (let i = 0; i < sums.length; i++) {
		const b = Math.floor(i / BLOCK);
		if (Number.isNaN(sums[i])) {
			if (gap[b] < 0)
				gap[b] = i;
			continue;
		}
		if (low[b] < 0 || sums[i] < sums[low[b]])
			low[b] = i;
		if (high[b] < 0 || sums[i] > sums[high[b]])
			high[b] = i;
	}
	return { low, high, gap };
}

/* The first row that is not before t. */
function search(at, t) {
	let a = 0, b = at.length;
	while (a < b) {
		const middle = (a + b) >> 1;
		if (at[middle] < t)
			a = middle + 1;
		else
			b = middle;
	}
	return a;
}

/* Rows begin … end-1: the first, the lowest, the highest, the last that are known, and a gap. */
function extremes(rows, begin, end) {
	const { sums, blocks } = rows;
	let low = -1, high = -1, gap = -1, first = -1, last = -1;
	function look(i) {
		if (Number.isNaN(sums[i])) {
			if (gap < 0)
				gap = i;
			return;
		}
		if (low < 0 || sums[i] < sums[low])
			low = i;
		if (high < 0 || sums[i] > sums[high])
			high = i;
	}
	let i = begin;
	while (i < end) {
		if (i % BLOCK === 0 && i + BLOCK <= end) {
			const b = i / BLOCK;
			if (blocks.low[b] >= 0) {
				look(blocks.low[b]);
				look(blocks.high[b]);
			}
			if (gap < 0)
				gap = blocks.gap[b];
			i += BLOCK;
		} else {
			look(i++);
		}
	}
	if (low >= 0) {
		for (first = begin; Number.isNaN(sums[first]);)
			first++;
		for (last = end - 1; Number.isNaN(sums[last]);)
			last--;
	}
	return { low, high, gap, first, last };
}

/* Indices of rows that draw from … to like all of them do, with one beyond each end. */
function thin(rows, from, to, columns) {
	const chosen = [];
	let begin = search(rows.at, from);
	const end = search(rows.at, to);
	if (begin > 0)
		chosen.push(begin - 1);
	for (let c = 0; c < columns && begin < end; c++) {
		const until = c + 1 === columns ? end :
			Math.min(end, search(rows.at, from + (to - from) * (c + 1) / columns));
		if (until - begin <= 5) {
			for (; begin < until; begin++)
				chosen.push(begin);
			continue;
		}
		const e = extremes(rows, begin, until);
		const some = [e.first, e.low, e.high, e.last, e.gap].filter((i) => i >= 0);
		some.sort((a, b) => a - b);
		for (let k = 0; k < some.length; k++)
			if (k === 0 || some[k] !== some[k - 1])
				chosen.push(some[k]);
		begin = until;
	}
	if (end < rows.n)
		chosen.push(end);
	return chosen;
}

/* What a line held at t: the last row until then; -1 before the first. */
function rowAt(rows, t) {
	const i = search(rows.at, t);
	return i < rows.n && rows.at[i] === t ? i : i - 1;
}
