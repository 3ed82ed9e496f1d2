/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One chart: its head, its graph with limit, flags and mark, its table. It draws the part of the time
 * that is in view; who changes that is in page.js.
 */
const whole = { from: 0, to: facts.duration_s > 0 ? facts.duration_s : 1 };
const view = { from: whole.from, to: whole.to };
const colours = {};
let moment = null; /* seconds; null = none */

function span() {
	return view.to - view.from;
}

function secondsText(s) {
	return s.toFixed(span() < 1 ? 4 : span() < 1000 ? 3 : 1) + ' s';
}

function readColours() {
	const style = getComputedStyle(document.documentElement);
	for (const name of ['text', 'quiet', 'line', 'grid', 'alarm', 'flag',
		'anon', 'file', 'shmem', 'swap', 'total', 'footprint', 'available', 'charge', 'used'])
		colours[name] = style.getPropertyValue('--' + name).trim();
}

/* ---- flags of events --------------------------------------------------------------------- */

/* Processes that come and go are flagged only where they are few. */
const ORDINARY_MOST = 40, FLAGS_MOST = 2000, FLAG_WIDTH = 46;
const flagged = (() => {
	const weighty = facts.events.filter((e) => !e.ordinary);
	const some = facts.events.length - weighty.length <= ORDINARY_MOST ? facts.events : weighty;
	return some.length <= FLAGS_MOST ? some : some.filter((e) => e.alarm).slice(-FLAGS_MOST);
})();

/* What is in view, those together whose flags would overlap. */
function flagGroups(graph) {
	const area = graph.getArea(), groups = [];
	for (const event of flagged) {
		const x = graph.toDomXCoord(event.at_s), last = groups[groups.length - 1];
		if (x < area.x - 1 || x > area.x + area.w + 1)
			continue;
		if (last && x - last.x < FLAG_WIDTH)
			last.events.push(event);
		else
			groups.push({ x, events: [event] });
	}
	return groups;
}

/* ---- what is drawn ----------------------------------------------------------------------- */

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
const MARK_ROOM = 26; /* pixels above the highest point, for a mark and its words */
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
	if (panel.limit !== null && high >= facts.limit_worth * panel.limit)
		high = Math.max(high, panel.limit);
	/* of the words that are there too, whatever the axis reaches */
	panel.unit = high > 0 ? unitFor(high) : 'MiB';
	const pixels = panel.graph ? panel.graph.getArea().h : 10 * MARK_ROOM;
	return [0, high > 0 ? high * pixels / (pixels - MARK_ROOM) : UNITS.MiB];
}

function upright(context, area, x) {
	context.beginPath();
	context.moveTo(x, area.y);
	context.lineTo(x, area.y + area.h);
	context.stroke();
}

/* Limit and flags, over what they belong to. */
function drawOver(panel, graph) {
	const { context } = panel, area = graph.getArea();
	context.save();
	context.setLineDash([3, 3]);
	for (const { events } of flagGroups(graph))
		events.forEach((event, i) => {
			context.strokeStyle = event.alarm ? colours.alarm : colours.flag;
			context.globalAlpha = event.alarm ? 0.9 : 0.6;
			if (event.alarm || i === 0)
				upright(context, area, graph.toDomXCoord(event.at_s));
		});
	const y = panel.limit === null ? -1 : graph.toDomYCoord(panel.limit);
	if (y >= area.y && y <= area.y + area.h) {
		context.strokeStyle = colours.alarm;
		context.globalAlpha = 1;
		context.setLineDash([8, 5]);
		context.lineWidth = 1.5;
		context.beginPath();
		context.moveTo(area.x, y);
		context.lineTo(area.x + area.w, y);
		context.stroke();
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
	const above = y - MARK_ROOM + 1, below = y + 7;
	let left = x + 9;
	if (left + width > area.x + area.w)
		left = x - 9 - width;
	if (left < area.x) /* no room beside it */
		left = Math.min(Math.max(area.x, x - width / 2), area.x + area.w - width);
	place(markText, left, mark.below && below + 20 < area.y + area.h ? below : Math.max(area.y, above));
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

/* What could be taken for another line by who sees fewer colours. */
const DASHED = new Set(['swap']);

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
	context.fillStyle = context.strokeStyle = e.color;
	context.lineWidth = 1;
	for (let i = 0; i < points.length;) {
		const begin = i;
		context.beginPath();
		for (; i < points.length && Number.isFinite(points[i].canvasy); i++)
			context.lineTo(points[i].canvasx, points[i].canvasy);
		if (i === begin) {
			i++;
			continue;
		}
		context.lineTo(points[i - 1].canvasx, zero);
		context.lineTo(points[begin].canvasx, zero);
		context.closePath();
		context.fill();
		/* one sample alone, and a peak between two, are of no width, and must be seen */
		context.stroke();
	}
}

function makeGraph(panel) {
	panel.graph = new Dygraph(panel.plot, tableOf(panel, view.from, view.to, 400), Object.assign({
		labels: ['time'].concat(inOrder(panel, panel.names)),
		series: Object.fromEntries(panel.names.map((name, i) =>
			[name, DASHED.has(panel.inks[i]) ? { strokePattern: [6, 4] } : {}])),
		fillGraph: panel.names.length === 1,
		fillAlpha: 0.15,
		strokeWidth: 1.6,
		connectSeparatedPoints: panel.layers.length > 1,
		legend: 'never',
		axisLabelFontSize: 12,
		axisTickSize: 5,
		axes: {
			x: { ticker: timeTicks, axisLabelWidth: 86 },
			y: { ticker: (a, b, pixels) => bytesTicks(a, b, pixels, panel.unit), axisLabelWidth: 72 },
		},
		dateWindow: [view.from, view.to],
		valueRange: rangeOf(panel),
		highlightCircleSize: 0,
		interactionModel: {},
		underlayCallback: (context) => {
			panel.context = context;
		},
		drawCallback: (graph) => drawOver(panel, graph),
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

function takeRows(layer) {
	const element = $(layer.rows);
	const rows = unpack(element.textContent.trim(), layer.n, layer.names.length);
	element.remove(); /* the text is not needed twice */
	return rows;
}

function legendItem(ink, name, dashed) {
	const item = make('li'), swatch = make('i', dashed ? 'dashed' : '');
	swatch.style.color = 'var(--' + ink + ')';
	item.append(swatch, name);
	return item;
}

function makePanel(fact, number) {
	const panel = {
		title: fact.title,
		stack: fact.layers[0].names.length > 1,
		names: fact.layers.flatMap((layer) => layer.names),
		inks: fact.layers.flatMap((layer) => layer.inks),
		layers: fact.layers.map((layer) => takeRows(layer)),
		limit: fact.limit,
		limit_text: fact.limit_text,
		mark: fact.mark,
		unit: 'MiB', /* of its axis */
		seen: true, /* is it in the window? */
		stale: false,
		cursor: make('div', 'cursor'),
		rubber: make('div', 'range'),
		markDot: make('div', 'dot'),
		markText: make('div', 'mark', fact.mark ? fact.mark.text : ''),
		table: make('details'),
		tableBox: make('div', 'wide'),
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
		const item = legendItem(panel.inks[i], name + ' ', DASHED.has(panel.inks[i])), value = make('b');
		item.append(value);
		legend.append(item);
		panel.legend.push(value);
	});
	if (panel.limit_text)
		legend.append(legendItem('alarm', panel.limit_text, true));
	panel.cursor.hidden = panel.rubber.hidden = true;
	panel.tableBox.tabIndex = 0;
	panel.tableBox.setAttribute('role', 'region');
	panel.tableBox.setAttribute('aria-label', panel.title + ' as a table');
	panel.table.append(make('summary', '', 'As a table'), panel.tableBox);
	panel.table.addEventListener('toggle', () => {
		if (panel.table.open)
			fillTable(panel);
	});
	head.append(heading, legend);
	section.append(head, panel.plot, panel.table);
	$('panels').append(section);
	return panel;
}

/* Of each fiftieth of the view what each layer held when it was highest there. */
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
	/* the box stays, as it may have the focus */
	panel.tableBox.replaceChildren(table);
}
