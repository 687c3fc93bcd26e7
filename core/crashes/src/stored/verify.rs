//! Checking the database as a whole: every row is read, all of them add up to what the last commit
//! says, and counters say what counting says.

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
    /// Reads every row, compares their sum with that of the last commit, and counts what counters
    /// say.
    ///
    /// # Errors
    /// Damage is one.
    pub fn verify(&self) -> Result<Verified, Error> {
        self.database.verify()
    }
}

impl Database {
    /// Reads every row, compares their sum with that of the last commit, and counts what counters
    /// say.
    pub fn verify(&self) -> Result<Verified, Error> {
        let head = self.head();
        let found = self.count_rows()?;
        if (found.rows, found.sum) == (head.rows, head.sum) {
            self.check_counters()?;
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
