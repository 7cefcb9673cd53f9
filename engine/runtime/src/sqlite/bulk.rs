//! Many rows in one statement. Row counts are rounded up to a few sizes and filled with NULLs, so
//! that a handful of prepared statements serves every batch.

use sqlx::{
    Arguments, AssertSqlSafe, Encode, SqlSafeStr, SqlStr, Type,
    sqlite::{Sqlite, SqliteArguments},
};
use std::iter::repeat_n;

/// Statements that are sent as one, with their arguments in order.
pub(super) struct Bulk {
    text: String,
    arguments: SqliteArguments,
    fault: Option<sqlx::error::BoxDynError>,
}

/// The shape of the rows that follow a piece of text.
#[derive(Clone, Copy)]
pub(super) struct Shape {
    pub(super) columns: usize,
    pub(super) rows: usize,
}

impl Bulk {
    pub(super) fn new(text: &str) -> Bulk {
        Bulk { text: text.to_owned(), arguments: SqliteArguments::default(), fault: None }
    }

    pub(super) fn push(&mut self, text: &str) {
        self.text.push_str(text);
    }

    pub(super) fn bind<'t, T: Encode<'t, Sqlite> + Type<Sqlite>>(&mut self, value: T) {
        if let Err(fault) = self.arguments.add(value) {
            self.fault = Some(fault);
        }
    }

    /// Writes `VALUES` for as many rows as `rows` rounds up to; `bind` is to be called for each of
    /// `rows.rows` rows, then [`Bulk::fill`].
    pub(super) fn values(&mut self, shape: Shape) {
        let row = format!("({}?)", "?,".repeat(shape.columns.saturating_sub(1)));
        self.text.push_str("(VALUES ");
        self.text.push_str(&vec![row; rounded(shape.rows)].join(","));
        self.text.push(')');
    }

    /// Binds NULL to the rows that were rounded up.
    pub(super) fn fill(&mut self, shape: Shape) {
        let missing = (rounded(shape.rows) - shape.rows) * shape.columns;
        for null in repeat_n(None::<i64>, missing) {
            self.bind(null);
        }
    }

    pub(super) fn into_parts(self) -> Result<(SqlStr, SqliteArguments), sqlx::Error> {
        match self.fault {
            Some(fault) => Err(sqlx::Error::Encode(fault)),
            None => Ok((AssertSqlSafe(self.text).into_sql_str(), self.arguments)),
        }
    }
}

/// The next of 1, 2, 3, 4, 6, 8, 12, 16, 24, ...: at most a third more than asked for.
fn rounded(rows: usize) -> usize {
    let power = rows.next_power_of_two();
    if rows <= power / 4 * 3 { power / 4 * 3 } else { power }
}

#[cfg(test)]
mod tests {
    use super::rounded;

    #[test]
    fn sizes_are_few_and_never_too_small() {
        let sizes: std::collections::BTreeSet<usize> = (1..=256).map(rounded).collect();
        assert!((1..=256).all(|rows| rounded(rows) >= rows));
        assert_eq!(
            sizes.iter().copied().collect::<Vec<_>>(),
            [1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128, 192, 256]
        );
    }
}
