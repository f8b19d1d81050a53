import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { renderTable } from './table.ts';

describe('tables', () => {
  it('have columns three spaces apart, as wide as the widest cell, without trailing blanks', () => {
    const table = renderTable(
      ['NAME', 'STATUS', 'X'],
      [
        ['a', 'Programmed', '1'],
        ['orders', 'ok', ''],
      ],
    );
    assert.equal(table, 'NAME     STATUS       X\na        Programmed   1\norders   ok           -');
  });

  it('cut lists after three entries, and show them whole when wide', () => {
    const rows = [[['a', 'b', 'c']], [['a', 'b', 'c', 'd', 'e']], [[]]];
    assert.equal(renderTable(['L'], rows), 'L\na,b,c\na,b,c +2\n-');
    assert.equal(renderTable(['L'], rows, { wide: true }), 'L\na,b,c\na,b,c,d,e\n-');
  });

  it('have no first line and an indent when told so', () => {
    assert.equal(renderTable(['A', 'B'], [['1', '2']], { headers: false, indent: '  ' }), '  1   2');
  });

  it('colour nothing but STATUS, beside its padding', () => {
    const table = renderTable(
      ['STATUS', 'B'],
      [
        ['Pending', 'Pending'],
        ['x', '-'],
      ],
      { colours: true },
    );
    assert.equal(
      table,
      'STATUS    B\n\u001b[33mPending\u001b[39m   Pending\n\u001b[31mx\u001b[39m         -',
    );
  });

  it('keep a hostile cell on its line', () => {
    assert.equal(renderTable(['A'], [['a\u001b[2Jb\nc\td\u202e']]), 'A\na\\u001b[2Jb\\nc\\td\\u202e');
  });

  it('count a character outside of the basic plane once', () => {
    assert.equal(renderTable(['A', 'B'], [['\u{1f600}', '1']]), 'A   B\n\u{1f600}   1');
  });
});
