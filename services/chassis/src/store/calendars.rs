//! The calendars that duties count on, by version. A calendar is stored before a duty counts on it, so that the duty's clock
//! keeps it whatever the regulation says later.

use std::collections::HashMap;
use std::sync::RwLock;

use kefu_regulation::Calendar;
use sqlx::{PgConnection, PgExecutor};

/// The calendars known to this process.
#[derive(Debug, Default)]
pub struct Calendars {
    by_version: RwLock<HashMap<String, Calendar>>,
}

impl Calendars {
    /// Stores `calendar`, unless it is stored already.
    pub async fn keep(&self, executor: impl PgExecutor<'_>, calendar: &Calendar) -> Result<(), sqlx::Error> {
        if self.known(calendar.version()).is_some() {
            return Ok(());
        }
        sqlx::query!(
            "insert into calendar (version, definition) values ($1, $2) on conflict do nothing",
            calendar.version(),
            calendar.definition()
        )
        .execute(executor)
        .await?;
        self.remember(calendar);
        Ok(())
    }

    /// Returns the calendar that was stored as `version`.
    pub async fn get(&self, connection: &mut PgConnection, version: &str) -> Result<Calendar, sqlx::Error> {
        if let Some(calendar) = self.known(version) {
            return Ok(calendar);
        }
        let definition = sqlx::query_scalar!("select definition from calendar where version = $1", version);
        let definition = definition.fetch_one(connection).await?;
        let calendar = Calendar::from_toml(&definition).map_err(|error| sqlx::Error::Decode(error.into()))?;
        self.remember(&calendar);
        Ok(calendar)
    }

    fn known(&self, version: &str) -> Option<Calendar> {
        self.by_version.read().ok()?.get(version).cloned()
    }

    fn remember(&self, calendar: &Calendar) {
        if let Ok(mut known) = self.by_version.write() {
            known.insert(calendar.version().to_owned(), calendar.clone());
        }
    }
}
