/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The report's charts and tables. All data is in the page: `facts`, JSON with every text, and one
 * element of packed rows per line of a chart. Texts come from names that anybody may have chosen: they
 * only ever become text nodes, never markup.
 *
 * A chart holds all samples, a million if need be, but draws at most a few per column of pixels: of
 * each column the first, the lowest, the highest and the last, as src/report/chart.c does.
 */
'use strict';
(function () {
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

	function secondsText(s) {
		const view = span();
		return s.toFixed(view < 1 ? 4 : view < 1000 ? 3 : 1) + ' s';
	}

	/* ---- rows -------------------------------------------------------------------------------- */

	/* What html_data.c wrote: n rows of varints, each a step in microseconds and steps of the values. */
	function unpack(id, n, width) {
		const bytes = atob($(id).textContent.trim());
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
		$(id).remove(); /* the text is not needed twice */
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

	/* ---- what is shown ----------------------------------------------------------------------- */

	const whole = { from: 0, to: facts.duration_s > 0 ? facts.duration_s : 1 };
	const view = { from: whole.from, to: whole.to };
	const shortest = Math.min(whole.to, 0.01);
	const panels = [];
	const colours = {};
	let moment = null; /* seconds; null = none */
	let due = false;

	function span() {
		return view.to - view.from;
	}

	function readColours() {
		const style = getComputedStyle(document.documentElement);
		for (const name of ['ground', 'text', 'quiet', 'line', 'grid', 'alarm', 'flag', 'focus',
			'anon', 'file', 'shmem', 'swap', 'total', 'footprint', 'available', 'charge', 'used'])
			colours[name] = style.getPropertyValue('--' + name).trim();
	}

	function setView(from, to) {
		let length = Math.min(Math.max(to - from, shortest), whole.to - whole.from);
		from = Math.max(whole.from, Math.min(from + (to - from - length) / 2, whole.to - length));
		if (Math.abs(from - view.from) < 1e-9 && Math.abs(from + length - view.to) < 1e-9)
			return;
		view.from = from;
		view.to = from + length;
		if (!due)
			requestAnimationFrame(refresh);
		due = true;
	}

	function zoom(factor, around) {
		const at = around === undefined ? (view.from + view.to) / 2 : around;
		setView(at - (at - view.from) * factor, at + (view.to - at) * factor);
	}

	function move(share) {
		const by = Math.max(whole.from - view.from, Math.min(whole.to - view.to, span() * share));
		setView(view.from + by, view.to + by);
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

	function bytesTicks(a, b, pixels) {
		/* 1000 MiB rather than 1.0 GiB */
		const unit = b > 0 ? unitFor(b / 1.15) : 'MiB';
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

	/* ---- panels ------------------------------------------------------------------------------ */

	/* Below this share of its limit a line would be pressed flat: see chart.c. */
	const LIMIT_WORTH = 0.2;

	/* dygraphs wants some row. */
	function nothing(from, to, width) {
		return [from, to].map((t) => [t].concat(new Array(width - 1).fill(null)));
	}

	/* The rows of all layers as dygraphs takes them; null = this layer has no row there. */
	function tableOf(panel, from, to, columns) {
		const lists = panel.layers.map((rows) => thin(rows, from, to, columns));
		const width = 1 + panel.names.length;
		const table = [];
		if (lists.length === 1) {
			/* a stack from its top: each sum is drawn over the ones above it */
			const { at, values } = panel.layers[0];
			for (const i of lists[0]) {
				const row = new Array(width);
				let sum = 0;
				for (let j = 0; j + 1 < width; j++)
					row[width - 1 - j] = sum += values[j][i];
				row[0] = at[i];
				table.push(row);
			}
			return table.length ? table : nothing(from, to, width);
		}
		const next = lists.map(() => 0);
		for (;;) {
			let which = -1, first = 0, t = Infinity;
			lists.forEach((list, k) => {
				if (next[k] < list.length && panel.layers[k].at[list[next[k]]] < t) {
					which = k;
					t = panel.layers[k].at[list[next[k]]];
				}
			});
			if (which < 0)
				return table.length ? table : nothing(from, to, width);
			const row = new Array(width).fill(null);
			row[0] = t;
			for (let k = 0; k < which; k++)
				first += panel.layers[k].width;
			panel.layers[which].values.forEach((v, j) => {
				row[1 + first + j] = v[lists[which][next[which]]];
			});
			next[which]++;
			table.push(row);
		}
	}

	/* The range of values in view, from 0, with the limit where it does not press them flat. */
	function rangeOf(panel) {
		let high = 0;
		for (const rows of panel.layers) {
			const begin = Math.max(0, search(rows.at, view.from) - 1);
			const e = extremes(rows, begin, Math.min(rows.n, search(rows.at, view.to) + 1));
			if (e.high >= 0)
				high = Math.max(high, rows.sums[e.high]);
		}
		const { mark } = panel;
		if (mark && mark.at_s >= view.from && mark.at_s <= view.to)
			high = Math.max(high, mark.bytes);
		if (panel.limit !== null && high >= LIMIT_WORTH * panel.limit)
			high = Math.max(high, panel.limit);
		return [0, high > 0 ? high * 1.12 : UNITS.MiB];
	}

	function drawUnder(panel, context, area, graph) {
		context.save();
		context.setLineDash([3, 3]);
		for (const event of shownEvents()) {
			const x = graph.toDomXCoord(event.at_s);
			if (x < area.x || x > area.x + area.w)
				continue;
			context.strokeStyle = event.alarm ? colours.alarm : colours.flag;
			context.globalAlpha = event.alarm ? 0.9 : 0.45;
			context.beginPath();
			context.moveTo(x, area.y);
			context.lineTo(x, area.y + area.h);
			context.stroke();
		}
		context.globalAlpha = 1;
		const y = panel.limit === null ? -1 : graph.toDomYCoord(panel.limit);
		if (y >= area.y && y <= area.y + area.h) {
			context.strokeStyle = context.fillStyle = colours.alarm;
			context.setLineDash([8, 5]);
			context.lineWidth = 1.5;
			context.beginPath();
			context.moveTo(area.x, y);
			context.lineTo(area.x + area.w, y);
			context.stroke();
			context.font = '12px system-ui, "DejaVu Sans", sans-serif';
			context.fillText(panel.limit_text, area.x + 6, y - area.y > 18 ? y - 5 : y + 14);
		}
		context.restore();
	}

	function place(element, x, y) {
		element.style.left = x + 'px';
		element.style.top = y + 'px';
	}

	function placeMark(panel) {
		const { graph, mark, markText, markDot } = panel;
		if (!mark)
			return;
		const area = graph.getArea();
		const x = graph.toDomXCoord(mark.at_s), y = graph.toDomYCoord(mark.bytes);
		const inside = x >= area.x - 1 && x <= area.x + area.w + 1 && y >= area.y - 1;
		markText.hidden = markDot.hidden = !inside;
		if (!inside)
			return;
		place(markDot, x, y);
		const width = markText.offsetWidth;
		let left = x + 9, top = y - 20;
		if (left + width > area.x + area.w)
			left = x - 9 - width;
		if (left < area.x) {
			/* no room beside it: below it */
			left = Math.min(Math.max(area.x, x - width / 2), area.x + area.w - width);
			top = y + 8;
		}
		place(markText, left, Math.min(Math.max(area.y, top), area.y + area.h - 24));
	}

	function placeCursor(panel) {
		const area = panel.graph.getArea();
		const x = moment === null ? -1 : panel.graph.toDomXCoord(moment);
		panel.cursor.hidden = x < area.x || x > area.x + area.w;
		if (panel.cursor.hidden)
			return;
		place(panel.cursor, x, area.y);
		panel.cursor.style.height = area.h + 'px';
	}

	/* What each line of a panel held at the moment. */
	function valuesAt(panel, t) {
		const values = [];
		for (const rows of panel.layers) {
			const i = rowAt(rows, t);
			for (const v of rows.values)
				values.push(i < 0 ? NaN : v[i]);
		}
		return values;
	}

	function showMoment() {
		const said = [];
		for (const panel of panels) {
			const values = moment === null ? null : valuesAt(panel, moment);
			panel.legend.forEach((b, i) => {
				b.textContent = values ? bytesText(values[i]) : '';
			});
			if (values)
				said.push(panel.title + ': ' + panel.names.map((name, i) =>
					name + ' ' + bytesText(values[i])).join(', '));
			placeCursor(panel);
		}
		$('now').textContent = moment === null ? '' : secondsText(moment);
		const slider = $('moment');
		const share = moment === null ? 0 : (moment - view.from) / span();
		slider.value = String(Math.round(Math.min(1, Math.max(0, share)) * 1000));
		slider.setAttribute('aria-valuetext', moment === null ? 'none' :
			secondsText(moment) + '. ' + said.join('. '));
	}

	function setMoment(t) {
		moment = t === null ? null : Math.min(Math.max(t, whole.from), whole.to);
		showMoment();
	}

	/* Two pixels per column: four points of each still draw what all rows would. */
	function columnsOf(panel) {
		return Math.max(50, Math.floor(panel.graph.getArea().w / 2));
	}

	function draw(panel) {
		panel.stale = false;
		panel.graph.updateOptions({
			file: tableOf(panel, view.from, view.to, columnsOf(panel)),
			dateWindow: [view.from, view.to],
			valueRange: rangeOf(panel),
		});
		placeMark(panel);
		placeCursor(panel);
		if (panel.table.open)
			fillTable(panel);
	}

	/* Draws everything anew for the view; what nobody sees, when it is scrolled to. */
	function refresh() {
		due = false;
		for (const panel of panels) {
			panel.stale = true;
			if (panel.seen)
				draw(panel);
		}
		overview.drawing = true;
		overview.graph.updateOptions({ dateWindow: [view.from, view.to] });
		overview.drawing = false;
		placeFlags();
		showMoment();
	}

	/* One thing per series, in the order in which tableOf() gives them. */
	function inOrder(panel, things) {
		return panel.stack ? things.slice().reverse() : things;
	}

	function colourOptions(panel) {
		return {
			colors: inOrder(panel, panel.inks).map((ink) => colours[ink]),
			gridLineColor: colours.grid,
			axisLineColor: colours.line,
		};
	}

	/* The area under a line down to 0, in one colour. */
	function fillDown(e) {
		const context = e.drawingContext, points = e.points, zero = e.dygraph.toDomYCoord(0);
		context.fillStyle = e.color;
		for (let i = 0; i < points.length;) {
			const begin = i;
			context.beginPath();
			for (; i < points.length && Number.isFinite(points[i].canvasy); i++)
				context.lineTo(points[i].canvasx, points[i].canvasy);
			if (i === begin) {
				i++;
				continue;
			}
			/* one sample alone is one pixel wide */
			context.lineTo(points[i - 1].canvasx + (i - begin === 1), points[i - 1].canvasy);
			context.lineTo(points[i - 1].canvasx + (i - begin === 1), zero);
			context.lineTo(points[begin].canvasx, zero);
			context.closePath();
			context.fill();
		}
	}

	function makeGraph(panel) {
		panel.graph = new Dygraph(panel.plot, tableOf(panel, view.from, view.to, 400), Object.assign({
			labels: ['time'].concat(inOrder(panel, panel.names)),
			fillGraph: panel.names.length === 1,
			fillAlpha: 0.15,
			strokeWidth: 1.6,
			connectSeparatedPoints: panel.layers.length > 1,
			legend: 'never',
			axisLabelFontSize: 12,
			axisTickSize: 5,
			axes: {
				x: { ticker: timeTicks, axisLabelWidth: 86 },
				y: { ticker: bytesTicks, axisLabelWidth: 72 },
			},
			dateWindow: [view.from, view.to],
			valueRange: rangeOf(panel),
			highlightCircleSize: 0,
			interactionModel: {},
			underlayCallback: (context, area, graph) => drawUnder(panel, context, area, graph),
		}, panel.stack ? { plotter: fillDown } : {}, colourOptions(panel)));
		/* the picture itself is described by its label; the table below it has the figures */
		for (const canvas of panel.plot.querySelectorAll('canvas'))
			canvas.setAttribute('aria-hidden', 'true');
		panel.plot.append(panel.cursor, panel.rubber);
		if (panel.layers.every((rows) => !rows.n))
			panel.plot.append(make('p', 'none', 'no samples'));
		if (panel.mark)
			panel.plot.append(panel.markDot, panel.markText);
	}

	/* ---- the overview ------------------------------------------------------------------------ */

	/* The whole time, and the part of it in view, below the first chart. Its plot itself has no height. */
	const overview = { graph: null, drawing: false, box: make('div', 'overview') };

	function overviewColours() {
		return {
			/* what is not in view is veiled in a light grey, whatever the ground */
			rangeSelectorAlpha: matchMedia('(prefers-color-scheme: dark)').matches ? 0.2 : 0.6,
			rangeSelectorPlotFillColor: colours.line,
			rangeSelectorPlotStrokeColor: colours.quiet,
			rangeSelectorBackgroundStrokeColor: colours.line,
			rangeSelectorForegroundStrokeColor: colours.text,
		};
	}

	function makeOverview() {
		const rows = panels[0].layers[0], table = [];
		/* from end to end, whenever the first and the last sample were */
		table.push([whole.from, null]);
		for (const i of thin(rows, whole.from, whole.to, 400))
			table.push([rows.at[i], rows.sums[i]]);
		table.push([whole.to, null]);
		panels[0].plot.after(overview.box);
		overview.graph = new Dygraph(overview.box, table, Object.assign({
			labels: ['time', panels[0].title],
			legend: 'never',
			strokeWidth: 0,
			axes: { x: { drawAxis: false }, y: { drawAxis: false } },
			dateWindow: [view.from, view.to],
			highlightCircleSize: 0,
			interactionModel: {},
			showRangeSelector: true,
			rangeSelectorHeight: 34,
			rangeSelectorPlotFillGradientColor: '',
			drawCallback: (graph, initial) => {
				if (!initial && !overview.drawing)
					setView(...graph.xAxisRange());
			},
		}, overviewColours()));
		/* the toolbar does what its handles do */
		overview.box.setAttribute('aria-hidden', 'true');
		for (const handle of overview.box.querySelectorAll('img'))
			handle.alt = '';
	}

	function placeOverview() {
		const area = panels[0].graph.getArea();
		overview.box.style.marginLeft = area.x + 'px';
		overview.graph.resize();
	}

	function makePanel(fact, number) {
		const panel = {
			title: fact.title,
			stack: fact.layers[0].names.length > 1,
			names: fact.layers.flatMap((layer) => layer.names),
			inks: fact.layers.flatMap((layer) => layer.inks),
			layers: fact.layers.map((layer) => unpack(layer.rows, layer.n, layer.names.length)),
			limit: fact.limit,
			limit_text: fact.limit_text,
			mark: fact.mark,
			seen: true, /* is it in the window? */
			stale: false,
			cursor: make('div', 'cursor'),
			rubber: make('div', 'range'),
			markDot: make('div', 'dot'),
			markText: make('div', 'mark', fact.mark ? fact.mark.text : ''),
			table: make('details'),
			plot: make('div', number ? 'plot' : 'plot first'),
			legend: [],
		};
		const section = make('section', 'panel'), head = make('div', 'panel-head');
		const heading = make('h3', '', panel.title), legend = make('ul', 'legend');
		heading.id = 'panel-' + number;
		section.setAttribute('aria-labelledby', heading.id);
		panel.plot.setAttribute('role', 'img');
		panel.plot.setAttribute('aria-label', panel.title + ' over time' +
			(panel.mark ? ', ' + panel.mark.text : '') +
			(panel.limit_text ? ', ' + panel.limit_text : '') +
			'. The figures are in the table below.');
		panel.names.forEach((name, i) => {
			const item = make('li'), swatch = make('i'), value = make('b');
			swatch.style.background = 'var(--' + panel.inks[i] + ')';
			item.append(swatch, name + ' ', value);
			legend.append(item);
			panel.legend.push(value);
		});
		if (panel.limit_text)
			legend.append(make('li', '', panel.limit_text));
		panel.cursor.hidden = panel.rubber.hidden = true;
		panel.table.append(make('summary', '', 'As a table'));
		panel.table.addEventListener('toggle', () => {
			if (panel.table.open)
				fillTable(panel);
		});
		head.append(heading, legend);
		section.append(head, panel.plot, panel.table);
		$('panels').append(section);
		return panel;
	}

	/* Of each fiftieth of the view: what each line reached there, and what it held at its end. */
	const TABLE_ROWS = 50;
	function fillTable(panel) {
		const table = make('table'), head = make('tr'), body = make('tbody');
		const thead = make('thead');
		table.append(make('caption', '', panel.title + ', from ' + secondsText(view.from) + ' to ' +
			secondsText(view.to) + ': what was held when it was highest in each of ' + TABLE_ROWS +
			' equal parts'));
		for (const text of ['from', 'to'].concat(panel.names, panel.stack ? ['together'] : [])) {
			const cell = make('th', '', text);
			cell.scope = 'col';
			head.append(cell);
		}
		for (let k = 0; k < TABLE_ROWS; k++) {
			const from = view.from + span() * k / TABLE_ROWS,
				to = view.from + span() * (k + 1) / TABLE_ROWS;
			const row = make('tr');
			row.append(make('td', '', secondsText(from)), make('td', '', secondsText(to)));
			for (const rows of panel.layers) {
				const begin = Math.max(0, rowAt(rows, from)), end = search(rows.at, to);
				const e = begin < end ? extremes(rows, begin, end) : { high: -1 };
				for (const v of rows.values)
					row.append(make('td', '', bytesText(e.high < 0 ? NaN : v[e.high])));
				if (panel.stack)
					row.append(make('td', '', bytesText(e.high < 0 ? NaN : rows.sums[e.high])));
			}
			body.append(row);
		}
		thead.append(head);
		table.append(thead, body);
		const box = make('div', 'wide');
		box.tabIndex = 0;
		box.setAttribute('role', 'region');
		box.setAttribute('aria-label', panel.title + ' as a table');
		box.append(table);
		panel.table.replaceChildren(panel.table.firstChild, box);
	}

	/* ---- events ------------------------------------------------------------------------------ */

	/* Processes that come and go are flagged only where they are few. */
	const ORDINARY = new Set(['start', 'exec', 'exit']);
	const ORDINARY_MOST = 40;
	let flagged = null;
	function shownEvents() {
		if (!flagged) {
			const ordinary = facts.events.filter((e) => ORDINARY.has(e.kind));
			flagged = ordinary.length <= ORDINARY_MOST ? facts.events :
				facts.events.filter((e) => !ORDINARY.has(e.kind));
			if (flagged.length > 2000)
				flagged = flagged.filter((e) => e.alarm).slice(-2000);
		}
		return flagged;
	}

	function sayEvents(events) {
		const most = 6;
		$('tip').textContent = events.slice(0, most).map((e) =>
			e.at_s.toFixed(3) + ' s  ' + e.text).join('\n') +
			(events.length > most ? '\nand ' + (events.length - most) + ' more' : '');
	}

	/* One button for all events that would overlap. */
	function placeFlags() {
		const box = $('flags');
		const graph = panels[0].graph, area = graph.getArea();
		const groups = [];
		for (const event of shownEvents()) {
			const x = graph.toDomXCoord(event.at_s);
			if (x < area.x - 1 || x > area.x + area.w + 1)
				continue;
			const last = groups[groups.length - 1];
			if (last && x - last.x < 30)
				last.events.push(event);
			else
				groups.push({ x, events: [event] });
		}
		const buttons = groups.map((group) => {
			const some = group.events;
			const button = make('button', some.some((e) => e.alarm) ? 'alarm' : '',
				some.length > 1 ? String(some.length) : LETTERS[some[0].kind] || '?');
			button.type = 'button';
			button.style.left = group.x + 'px';
			button.setAttribute('aria-label', some.length > 1 ?
				some.length + ' events from ' + secondsText(some[0].at_s) :
				secondsText(some[0].at_s) + ' ' + some[0].text);
			for (const what of ['mouseenter', 'focus', 'click'])
				button.addEventListener(what, () => {
					sayEvents(some);
					setMoment(some[0].at_s);
				});
			for (const what of ['mouseleave', 'blur'])
				button.addEventListener(what, () => sayEvents([]));
			return button;
		});
		$('flag-lane').hidden = !shownEvents().length;
		box.replaceChildren(...buttons);
	}
	const LETTERS = { oom: '\u2620', shm_full: 'F', lost: 'L', mode: 'M', start: '+', exec: 'x', exit: '\u2212' };

	/* ---- pointers ---------------------------------------------------------------------------- */

	function listen(panel) {
		const { plot, graph, rubber } = panel;
		let drag = null;

		function at(event) {
			const box = plot.getBoundingClientRect(), area = graph.getArea();
			const x = event.clientX - box.left, y = event.clientY - box.top;
			return {
				x: Math.min(Math.max(x, area.x), area.x + area.w),
				inside: x >= area.x && x <= area.x + area.w && y >= area.y && y <= area.y + area.h,
			};
		}
		function timeOf(x) {
			return graph.toDataXCoord(x);
		}
		plot.addEventListener('pointerdown', (event) => {
			const p = at(event);
			if (!p.inside || event.button !== 0)
				return;
			drag = { x: p.x, from: view.from, to: view.to,
				pans: event.shiftKey || event.pointerType === 'touch' };
			plot.setPointerCapture(event.pointerId);
			if (event.pointerType !== 'touch')
				event.preventDefault();
		});
		plot.addEventListener('pointermove', (event) => {
			const p = at(event);
			if (!drag) {
				if (p.inside)
					setMoment(timeOf(p.x));
				return;
			}
			if (drag.pans) {
				const area = graph.getArea();
				const by = (drag.x - p.x) / area.w * (drag.to - drag.from);
				const kept = Math.max(whole.from - drag.from, Math.min(whole.to - drag.to, by));
				setView(drag.from + kept, drag.to + kept);
				return;
			}
			const area = graph.getArea();
			rubber.hidden = false;
			place(rubber, Math.min(p.x, drag.x), area.y);
			rubber.style.width = Math.abs(p.x - drag.x) + 'px';
			rubber.style.height = area.h + 'px';
		});
		function end(event) {
			if (!drag)
				return;
			const p = at(event), begun = drag;
			drag = null;
			rubber.hidden = true;
			if (event.type === 'pointerup' && Math.abs(p.x - begun.x) < 5)
				setMoment(timeOf(p.x));
			else if (event.type === 'pointerup' && !begun.pans)
				setView(timeOf(Math.min(p.x, begun.x)), timeOf(Math.max(p.x, begun.x)));
		}
		plot.addEventListener('pointerup', end);
		plot.addEventListener('pointercancel', end);
		plot.addEventListener('dblclick', (event) => {
			if (at(event).inside)
				setView(whole.from, whole.to);
		});
		plot.addEventListener('wheel', (event) => {
			const p = at(event);
			if (!p.inside)
				return;
			if (event.ctrlKey || event.metaKey) {
				event.preventDefault();
				zoom(Math.exp(Math.max(-1, Math.min(1, event.deltaY / 300))), timeOf(p.x));
			} else if (Math.abs(event.deltaX) > Math.abs(event.deltaY)) {
				event.preventDefault();
				move(event.deltaX / 1000);
			}
		}, { passive: false });
	}

	function listenToToolbar() {
		$('zoom-in').addEventListener('click', () => zoom(0.5, inView(moment)));
		$('zoom-out').addEventListener('click', () => zoom(2, inView(moment)));
		$('earlier').addEventListener('click', () => move(-0.5));
		$('later').addEventListener('click', () => move(0.5));
		$('all').addEventListener('click', () => setView(whole.from, whole.to));
		$('moment').addEventListener('input', () => {
			setMoment(view.from + span() * Number($('moment').value) / 1000);
		});
	}
	function inView(t) {
		return t !== null && t >= view.from && t <= view.to ? t : undefined;
	}

	/* ---- tables ------------------------------------------------------------------------------ */

	function keyOf(row, column) {
		const cell = row.cells[column];
		const number = cell.dataset.value;
		return number === undefined ? cell.textContent : number === '' ? -Infinity : Number(number);
	}

	function sortBy(table, header, column) {
		const down = header.getAttribute('aria-sort') !== 'descending' &&
			!(header.classList.contains('text') && header.getAttribute('aria-sort') !== 'ascending');
		const keyed = Array.from(table.tBodies[0].rows, (row) => [keyOf(row, column), row]);
		keyed.sort(([a], [b]) => (typeof a === 'number' ? a - b : a.localeCompare(b)) || 0);
		if (down)
			keyed.reverse();
		for (const other of table.tHead.rows[0].cells)
			if (other.hasAttribute('aria-sort'))
				other.setAttribute('aria-sort', 'none');
		header.setAttribute('aria-sort', down ? 'descending' : 'ascending');
		table.tBodies[0].append(...keyed.map(([, row]) => row));
	}

	function makeSortable(table) {
		Array.from(table.tHead.rows[0].cells).forEach((header, column) => {
			const button = make('button', '', header.textContent);
			button.type = 'button';
			if (!header.hasAttribute('aria-sort'))
				header.setAttribute('aria-sort', 'none');
			header.replaceChildren(button);
			button.addEventListener('click', () => sortBy(table, header, column));
		});
	}

	function makeFilter(table) {
		const label = make('label', 'filter', 'Show only those that contain'), input = make('input');
		input.type = 'search';
		label.append(input);
		table.closest('.wide').before(label);
		input.addEventListener('input', () => {
			const wanted = input.value.toLowerCase();
			for (const row of table.tBodies[0].rows)
				row.hidden = wanted !== '' && !row.textContent.toLowerCase().includes(wanted);
		});
	}

	/* ---- begin ------------------------------------------------------------------------------- */

	for (const table of document.querySelectorAll('table.sortable')) {
		makeSortable(table);
		if (table.tBodies[0].rows.length > 8)
			makeFilter(table);
	}
	if (typeof Dygraph === 'undefined') {
		$('panels').append(make('p', '', 'There are no charts, as this memmon-bpf was built without dygraphs.'));
		return;
	}
	/* its legend, which is not used, measures text with an inline style, which the policy forbids */
	Dygraph.PLUGINS = Dygraph.PLUGINS.filter((plugin) => plugin !== Dygraph.Plugins.Legend);
	readColours();
	facts.panels.forEach((fact, number) => panels.push(makePanel(fact, number)));
	$('toolbar').hidden = $('hint').hidden = false;
	for (const panel of panels) {
		makeGraph(panel);
		listen(panel);
	}
	makeOverview();
	placeOverview();
	listenToToolbar();
	refresh();
	const watcher = new IntersectionObserver((entries) => {
		for (const entry of entries) {
			const panel = panels.find((p) => p.plot === entry.target);
			panel.seen = entry.isIntersecting;
			if (panel.seen && panel.stale)
				draw(panel);
		}
	}, { rootMargin: '200px' });
	for (const panel of panels)
		watcher.observe(panel.plot);
	matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => {
		readColours();
		for (const panel of panels)
			panel.graph.updateOptions(colourOptions(panel), true);
		overview.graph.updateOptions(overviewColours());
		refresh();
	});
	addEventListener('beforeprint', () => panels.forEach(draw));
	new ResizeObserver(() => {
		placeOverview();
		if (!due)
			requestAnimationFrame(refresh);
		due = true;
	}).observe($('panels'));

	/* For tests and the curious. */
	window.memmon = { facts, panels, overview, view, whole, setView, setMoment, thin, tableOf };
})();
