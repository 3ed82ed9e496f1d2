/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What all of the page's script needs: the facts, elements, and figures and times as text. All data is
 * in the page: `facts`, JSON with every text, and one element of packed rows per layer of a chart.
 * Texts come from names that anybody may have chosen: they only ever become text nodes, never markup.
 *
 * tools/embed-page puts page_text.js, page_rows.js, page_panel.js and page.js behind each other into one
 * function: each knows those before it.
 */
const KIB = 1024;
const $ = (id) => document.getElementById(id);
const facts = JSON.parse($('facts').textContent);

function make(tag, className, text) {
	const element = document.createElement(tag);
	if (className)
		element.className = className;
	if (text !== undefined)
		element.textContent = text;
	return element;
}

/* ---- figures as text --------------------------------------------------------------------- */

const UNITS = { B: 1, KiB: KIB, MiB: KIB ** 2, GiB: KIB ** 3, KB: 1e3, MB: 1e6, GB: 1e9 };

function unitFor(bytes) {
	if (facts.unit)
		return facts.unit;
	for (const name of ['GiB', 'MiB', 'KiB'])
		if (Math.abs(bytes) >= UNITS[name])
			return name;
	return 'B';
}

function bytesText(bytes) {
	if (!Number.isFinite(bytes))
		return 'n/a';
	const unit = unitFor(bytes);
	return (bytes / UNITS[unit]).toFixed(unit === 'B' ? 0 : unit[0] === 'G' ? 2 : 1) + ' ' + unit;
}

/* ---- axes -------------------------------------------------------------------------------- */

function roundStep(least) {
	const power = 10 ** Math.floor(Math.log10(least));
	for (const multiple of [1, 2, 5])
		if (multiple * power >= least * (1 - 1e-9))
			return multiple * power;
	return 10 * power;
}

function decimals(step) {
	return Math.max(0, -Math.floor(Math.log10(step) + 1e-9));
}

function bytesTicks(a, b, pixels, unit) {
	let step = roundStep((b - a) / UNITS[unit] / Math.max(1, Math.floor(pixels / 42)));
	if (unit === 'B')
		step = Math.max(1, step);
	const ticks = [];
	for (let k = Math.ceil(a / UNITS[unit] / step - 1e-9); k * step * UNITS[unit] <= b * (1 + 1e-9); k++)
		ticks.push({ v: k * step * UNITS[unit],
			label: (k * step).toFixed(decimals(step)) + ' ' + unit });
	return ticks;
}

const MINUTE = 60, HOUR = 3600, DAY = 86400;
const TIME_STEPS = [1, 2, 5, 10, 20, 30, MINUTE, 2 * MINUTE, 5 * MINUTE, 10 * MINUTE, 20 * MINUTE,
	30 * MINUTE, HOUR, 2 * HOUR, 3 * HOUR, 6 * HOUR, 12 * HOUR, DAY, 2 * DAY, 5 * DAY];

function timeStep(least) {
	if (least <= 1)
		return roundStep(least);
	return TIME_STEPS.find((step) => step >= least) || roundStep(least / DAY) * DAY;
}

function two(n) {
	return String(n).padStart(2, '0');
}

function timeLabel(t, step, longest) {
	const whole = Math.round(t);
	if (step < 1 || longest <= 3 * MINUTE)
		return t.toFixed(decimals(step)) + ' s';
	if (longest <= 2 * HOUR)
		return Math.floor(whole / 60) + ':' + two(whole % 60) + ' min';
	if (longest <= 3 * DAY)
		return Math.floor(whole / HOUR) + ':' + two(Math.floor(whole / 60) % 60) +
			(step < MINUTE ? ':' + two(whole % 60) : '') + ' h';
	return Math.floor(whole / DAY) + ' d' +
		(step < DAY ? ' ' + two(Math.floor(whole / HOUR) % 24) + ':' + two(Math.floor(whole / 60) % 60) : '');
}

function timeTicks(a, b, pixels) {
	const step = timeStep((b - a) / Math.max(1, Math.floor(pixels / 90)));
	const ticks = [];
	for (let k = Math.ceil(a / step - 1e-9); k * step <= b + step * 1e-9; k++)
		ticks.push({ v: k * step, label: timeLabel(k * step, step, whole.to) });
	return ticks;
}
