/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which part of the charts is shown, and who changes it: toolbar, overview, pointers; events and tables. */

/* ---- the view ---------------------------------------------------------------------------- */

const shortest = Math.min(whole.to, 0.01);
const panels = [];
let due = false;

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

function recolour() {
	readColours();
	for (const panel of panels)
		panel.graph.updateOptions(colourOptions(panel), true);
	overview.graph.updateOptions(overviewColours());
	refresh();
}

/* Paper is white, and narrower than a window; and all of it is seen. */
function setPaper(on) {
	document.documentElement.classList.toggle('paper', on);
	for (const panel of panels)
		panel.graph.resize();
	recolour();
	if (on)
		panels.forEach(draw);
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

/* ---- events ------------------------------------------------------------------------------ */

function sayEvents(events) {
	const most = 6;
	$('tip').textContent = events.slice(0, most).map((e) =>
		e.at_s.toFixed(3) + ' s  ' + e.text).join('\n') +
		(events.length > most ? '\nand ' + (events.length - most) + ' more' : '');
}

const FLAG_WORDS = { oom: 'OOM', shm_full: 'full', lost: 'lost', mode: 'mode', start: 'start', exec: 'exec', exit: 'end' };

/* One button for all events that would overlap. */
function placeFlags() {
	const buttons = flagGroups(panels[0].graph).map(({ x, events: some }) => {
		const button = make('button', some.some((e) => e.alarm) ? 'alarm' : '',
			some.length > 1 ? String(some.length) : FLAG_WORDS[some[0].kind] || '?');
		button.type = 'button';
		button.style.left = x + 'px';
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
	$('flag-lane').hidden = !flagged.length;
	$('flags').replaceChildren(...buttons);
}

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
matchMedia('(prefers-color-scheme: dark)').addEventListener('change', recolour);
addEventListener('beforeprint', () => setPaper(true));
addEventListener('afterprint', () => setPaper(false));
new ResizeObserver(() => {
	placeOverview();
	if (!due)
		requestAnimationFrame(refresh);
	due = true;
}).observe($('panels'));

/* For tests and the curious. */
window.memmon = { facts, panels, overview, view, whole, setView, setMoment, thin, tableOf };
