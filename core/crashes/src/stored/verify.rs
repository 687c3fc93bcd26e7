//! Checking the database as a whole: every row is read, and all of them add up to what the last
//! commit says.

use crate::stored::Crashes;
use crate::stored::database::Database;
use crate::stored::open::damaged;
use crate::stored::rows;
use crate::stored::state::Head;
use crate::stored::sum::RowSum;
use symtool_store::Error;

/// What was checked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Verified {
    /// Crashes.
    pub crashes: u64,
    /// Rows.
    pub rows: u64,
}

impl Crashes {
    /// Reads every row, and compares their sum with that of the last commit.
    ///
    /// # Errors
    /// Damage is one.
    pub fn verify(&self) -> Result<Verified, Error> {
        self.database.verify()
    }
}

impl Database {
    /// Reads every row, and compares their sum with that of the last commit.
    pub fn verify(&self) -> Result<Verified, Error> {
        let head = self.head();
        let found = self.count_rows()?;
        if (found.rows, found.sum) == (head.rows, head.sum) {
            return Ok(Verified { crashes: head.crashes, rows: head.rows });
        }
        let fact = match found.rows.cmp(&head.rows) {
            std::cmp::Ordering::Less => format!("it has {} rows of {}", found.rows, head.rows),
            std::cmp::Ordering::Greater => format!(
                "it has {} rows, {} more than were written",
                found.rows,
                found.rows - head.rows
            ),
            std::cmp::Ordering::Equal => {
                "some row is an older one, or another one, than the one that was written".to_owned()
            }
        };
        Err(damaged(self.store(), &fact))
    }

    /// What a commit with exactly the rows that are there says of them.
    pub(crate) fn count_rows(&self) -> Result<Head, Error> {
        let mut found = Head { sum: RowSum::default(), ..Head::default() };
        self.each(b"", b"", |key, value| {
            if key != rows::HEAD {
                found.rows += 1;
                found.sum.add(self.sum_key.row(key, &value));
            }
            Ok(true)
        })?;
        Ok(found)
    }
}
