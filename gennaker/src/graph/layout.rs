//! Where the stages of a drawing stand: in columns by the longest way that leads to them, and in
//! rows near what they need.

/// How often the order of each column is looked at again.
const SWEEPS: usize = 4;
/// With more edges than these, long ones go straight through.
const BENDS: usize = 5_000;

/// A place in the grid.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Cell {
    pub(super) column: usize,
    pub(super) row: usize,
}

/// A drawing's skeleton.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Layout {
    /// By node.
    pub(super) cells: Vec<Cell>,
    /// By edge: the cells that it goes through, its ends included.
    pub(super) ways: Vec<Vec<Cell>>,
}

/// A node, or the place where a long edge passes a column.
struct Item {
    column: usize,
    before: Vec<usize>,
    after: Vec<usize>,
}

/// Lays out nodes that are numbered in an order in which each follows what it needs. An edge leads
/// from what is needed.
pub(super) fn layout(nodes: usize, edges: &[(usize, usize)]) -> Layout {
    let mut items: Vec<Item> = columns(nodes, edges).into_iter().map(Item::at).collect();
    let ways: Vec<Vec<usize>> =
        edges.iter().map(|edge| way(&mut items, *edge, edges.len())).collect();
    for way in &ways {
        for pair in way.windows(2) {
            items[pair[0]].after.push(pair[1]);
            items[pair[1]].before.push(pair[0]);
        }
    }
    let rows = rows(&items);
    let cell = |item: &usize| Cell { column: items[*item].column, row: rows[*item] };
    Layout {
        cells: (0..nodes).map(|node| cell(&node)).collect(),
        ways: ways.iter().map(|way| way.iter().map(cell).collect()).collect(),
    }
}

impl Item {
    fn at(column: usize) -> Item {
        Item { column, before: Vec::new(), after: Vec::new() }
    }
}

fn columns(nodes: usize, edges: &[(usize, usize)]) -> Vec<usize> {
    let mut needs = vec![Vec::new(); nodes];
    edges.iter().for_each(|(from, to)| needs[*to].push(*from));
    let mut columns: Vec<usize> = Vec::with_capacity(nodes);
    for needs in needs {
        let column = needs.iter().map(|need| columns[*need] + 1).max();
        columns.push(column.unwrap_or(0));
    }
    columns
}

/// The items that an edge goes through: a new one in every column between its ends.
fn way(items: &mut Vec<Item>, (from, to): (usize, usize), edges: usize) -> Vec<usize> {
    let mut way = vec![from];
    if edges <= BENDS {
        for column in items[from].column + 1..items[to].column {
            way.push(items.len());
            items.push(Item::at(column));
        }
    }
    way.push(to);
    way
}

/// The row of each item: near the middle of its neighbours, and no two in one place.
fn rows(items: &[Item]) -> Vec<usize> {
    let last = items.iter().map(|item| item.column + 1).max().unwrap_or(0);
    let mut columns = vec![Vec::new(); last];
    items.iter().enumerate().for_each(|(index, item)| columns[item.column].push(index));
    let mut rows = vec![0; items.len()];
    columns.iter().for_each(|column| number(column, &mut rows));
    for _ in 0..SWEEPS {
        for column in &mut columns {
            order(column, &mut rows, |item| &items[item].before);
        }
        for column in columns.iter_mut().rev() {
            order(column, &mut rows, |item| &items[item].after);
        }
    }
    for column in &columns {
        let mut free = 0;
        for item in column {
            let wanted = middle(&items[*item].before, &rows).unwrap_or(free);
            rows[*item] = wanted.max(free);
            free = rows[*item] + 1;
        }
    }
    rows
}

fn number(column: &[usize], rows: &mut [usize]) {
    column.iter().enumerate().for_each(|(row, item)| rows[*item] = row);
}

/// Sorts a column by the middle of its neighbours; what has none, and what is level, stays.
fn order<'a>(column: &mut [usize], rows: &mut [usize], neighbours: impl Fn(usize) -> &'a [usize]) {
    column.sort_by_cached_key(|item| middle(neighbours(*item), rows).unwrap_or(rows[*item]));
    number(column, rows);
}

fn middle(items: &[usize], rows: &[usize]) -> Option<usize> {
    let sum: usize = items.iter().map(|item| rows[*item]).sum();
    sum.checked_div(items.len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    /// Any graph whose edges lead from lower numbers to higher ones.
    fn graphs() -> impl Strategy<Value = (usize, Vec<(usize, usize)>)> {
        (1..40_usize).prop_flat_map(|nodes| {
            let edge = (0..nodes, 0..nodes).prop_filter_map("an edge leads on", |(a, b)| {
                (a != b).then(|| (a.min(b), a.max(b)))
            });
            let edges = proptest::collection::vec(edge, 0..if nodes > 1 { 80 } else { 1 });
            (Just(nodes), edges)
        })
    }

    proptest! {
        #[test]
        fn nothing_stands_on_anything_and_every_edge_goes_right((nodes, edges) in graphs()) {
            let laid = layout(nodes, &edges);
            prop_assert_eq!(laid.cells.len(), nodes);
            let mut taken: BTreeSet<Cell> = BTreeSet::new();
            for cell in &laid.cells {
                prop_assert!(taken.insert(*cell), "two stages at {:?}", cell);
            }
            for (way, (from, to)) in laid.ways.iter().zip(&edges) {
                prop_assert_eq!((way.first(), way.last()), (laid.cells.get(*from), laid.cells.get(*to)));
                for pair in way.windows(2) {
                    prop_assert_eq!(pair[0].column + 1, pair[1].column);
                }
                for bend in &way[1..way.len() - 1] {
                    prop_assert!(taken.insert(*bend), "an edge runs through {:?}", bend);
                }
            }
            prop_assert_eq!(layout(nodes, &edges), laid);
        }
    }

    #[test]
    fn a_column_is_the_longest_way_and_a_row_is_near_what_is_needed() {
        // 0 and 1 first; 2 needs 1, 3 needs 0, 4 needs both.
        let laid = layout(5, &[(1, 2), (0, 3), (2, 4), (3, 4)]);
        let cells: Vec<_> = laid.cells.iter().map(|cell| (cell.column, cell.row)).collect();
        assert_eq!(cells, [(0, 0), (0, 1), (1, 1), (1, 0), (2, 0)]);
    }
}
