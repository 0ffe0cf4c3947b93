"""How a run's page looks: on light and dark screens, on small ones, and on paper."""

STYLE = """
:root {
  color-scheme: light dark;
  --ink: #222; --soft: #5c5c5c; --paper: #fff; --card: #f5f5f3; --line: #d8d8d8; --link: #0b57a4;
  --own: #b34700; --base: #8b8b8b; --good: #17693a; --warning: #8a4b00; --failure: #b3261e;
}
@media (prefers-color-scheme: dark) {
  :root {
    --ink: #e4e4e4; --soft: #a9a9a9; --paper: #17181a; --card: #222427; --line: #3a3c40; --link: #8fc1ff;
    --own: #ffa45c; --base: #8d8d8d; --good: #7fd6a0; --warning: #ffc078; --failure: #ff9d94;
  }
}
* { box-sizing: border-box }
body { margin: 0; background: var(--paper); color: var(--ink); font: 16px/1.5 system-ui, sans-serif }
main { max-width: 76rem; margin: 0 auto; padding: 1rem clamp(1rem, 4vw, 2.5rem) 4rem }
h1 { font-size: 1.5rem; line-height: 1.25; margin: .25rem 0 }
h2 { font-size: 1.2rem; margin: 2.4rem 0 .6rem; padding-bottom: .25rem; border-bottom: 1px solid var(--line) }
h3 { font-size: 1rem; margin: 1.6rem 0 .4rem }
h1, h2, h3, p, figcaption, li, summary { overflow-wrap: anywhere }
p, figcaption { max-width: 46rem }
a { color: var(--link) }
.soft, figcaption { color: var(--soft); font-size: .9rem }
figure { margin: 1rem 0 2rem }
figcaption { margin-top: .4rem }
.first h2 { font-size: .95rem; margin: .9rem 0 .3rem; padding: 0; border: 0 }
.first h3 { font-size: .95rem; margin: 0 }
.first figure { margin: 0 }
.first .lead { margin: 0; color: var(--soft) }
.verdict { list-style: none; margin: 0; padding: .5rem .9rem; background: var(--card); border-radius: 6px }
.verdict li { display: grid; grid-template-columns: 5.2rem 1fr; gap: .6rem; padding: .12rem 0 }
.verdict .level { font-weight: 600; color: var(--soft) }
.verdict .good .level { color: var(--good) }
.verdict .warning .level { color: var(--warning) }
.verdict .failure .level { color: var(--failure) }
.trio { display: grid; grid-template-columns: repeat(auto-fit, minmax(17rem, 1fr)); gap: .8rem 2rem }
.bars { width: 100%; border-collapse: collapse; font-size: .9rem; line-height: 1.3 }
.bars th, .bars td { border: 0; padding: .1rem .5rem .1rem 0; vertical-align: middle; min-width: 0 }
.bars th { font-weight: 400; width: 40% }
.bars .own th, .bars .own .number { font-weight: 700 }
.bars .number { width: 3.2rem }
.bars svg { width: 100%; height: 12px; color: var(--base) }
.bars .own svg { color: var(--own) }
.bars caption { caption-side: bottom; text-align: left; color: var(--soft) }
.pair { display: grid; grid-template-columns: minmax(0, 3fr) minmax(0, 2fr); gap: 0 2.5rem }
.eight { display: grid; grid-template-columns: repeat(8, minmax(0, 1fr)); gap: 6px; max-width: 46rem }
.eight img { display: block; width: 100%; height: auto }
.pixelated img { image-rendering: pixelated }
.chart { width: 100%; height: auto; font-size: 12px; overflow: visible }
.chart text { fill: var(--soft) }
.chart .validation { color: var(--own) }
.chart .frame { stroke: var(--line) }
nav ul { display: flex; flex-wrap: wrap; gap: .2rem 1.4rem; list-style: none; margin: 0; padding: .4rem 0 }
nav { margin-top: 1.2rem; border-top: 1px solid var(--line); border-bottom: 1px solid var(--line) }
.card { background: #fff; border: 1px solid var(--line); border-radius: 6px; overflow-x: auto }
.card img { display: block; max-width: 100%; height: auto }
.scroll { overflow-x: auto }
table { border-collapse: collapse; font-size: .95rem }
th, td { padding: .3rem 1.2rem .3rem 0; border-bottom: 1px solid var(--line); overflow-wrap: break-word }
th, td { text-align: left; vertical-align: top; max-width: 40rem }
thead th, thead td { color: var(--soft); font-weight: 600; vertical-align: bottom }
tbody th { font-weight: 500; min-width: 8rem }
.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap }
b { color: var(--own) }
details { margin: .4rem 0 }
summary { cursor: pointer }
summary h3 { display: inline; margin: 0 .4rem 0 0 }
pre { background: var(--card); border-radius: 6px; padding: .9rem 1rem; overflow-x: auto; font-size: .9rem }
code { overflow-wrap: anywhere }
svg { display: block; color: var(--ink) }
:focus-visible { outline: 2px solid var(--link); outline-offset: 2px }
@media (max-width: 48rem) {
  .card img { max-width: none }
  .pair { grid-template-columns: minmax(0, 1fr) }
  .eight { grid-template-columns: repeat(4, minmax(0, 1fr)); row-gap: 16px }
  .verdict li { grid-template-columns: minmax(0, 1fr); gap: 0 }
}
@media print {
  :root {
    color-scheme: light;
    --ink: #000; --soft: #444; --paper: #fff; --card: #fff; --line: #bbb; --link: #000;
    --own: #b34700; --base: #8b8b8b; --good: #17693a; --warning: #8a4b00; --failure: #b3261e;
  }
  body { font-size: 10pt }
  main { max-width: none; padding: 0 }
  nav { display: none }
  details::details-content { content-visibility: visible; block-size: auto; display: block }
  figure, tr, .first, .verdict li { break-inside: avoid }
  h2, h3, summary { break-after: avoid }
  .card, .scroll, pre { overflow: visible; white-space: normal }
  .card img { max-width: 100%; max-height: 22cm; width: auto }
}
"""
