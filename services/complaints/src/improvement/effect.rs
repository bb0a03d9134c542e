//! Effect of an improvement: complaints with its cause and department, before and after.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use kefu_chassis::Error;
use kefu_chassis::time::sql;
use kefu_proto::complaints::v1::improvement::Effect;
use sqlx::PgConnection;

use super::row::ImprovementRow;

/// Counted complaints, and open ones that may still count.
#[derive(Debug, Default)]
pub struct Counted {
    /// Counts before and after, as the contract shows them.
    pub effect: Effect,
    /// Open complaints without a cause yet, whose responsible department is the same or not known: received before the
    /// improvement, and after it.
    pub open: (i64, i64),
}

/// Counts complaints from `done` to `check`, and in a period of the same length before `done`. Contacts are counted by
/// whole days, and only if recording had begun by the first of them: a rate over part of the contacts would be too
/// high.
pub async fn count(
    connection: &mut PgConnection,
    root: &ImprovementRow,
    done: Timestamp,
    check: Timestamp,
    zone: &TimeZone,
) -> Result<Counted, Error> {
    let before = done - check.duration_since(done);
    let counts = sqlx::query!(
        r#"with c as (
            select received_at < $4 as is_before,
                responsible_department = $1 and cause_category = $2 as is_same,
                responsible_department in ($1, '') and cause_category = 0 and closed_at is null as is_open
            from complaints.complaint
            where responsible_department in ($1, '') and cause_category in ($2, 0)
                and received_at >= $3 and received_at < $5)
        select count(*) filter (where is_same and is_before) as "before!",
            count(*) filter (where is_same and not is_before) as "after!",
            count(*) filter (where is_open and is_before) as "open_before!",
            count(*) filter (where is_open and not is_before) as "open_after!"
        from c"#,
        root.responsible_department,
        root.cause_category,
        sql::at(before),
        sql::at(done),
        sql::at(check),
    )
    .fetch_one(&mut *connection)
    .await?;
    let day = |time: Timestamp| jiff_sqlx::ToSqlx::to_sqlx(time.to_zoned(zone.clone()).date());
    let contacts = sqlx::query!(
        r#"select coalesce(sum(contacts) filter (where day < $2), 0)::bigint as "before!",
            coalesce(sum(contacts) filter (where day >= $2), 0)::bigint as "after!",
            coalesce((select min(day) from complaints.contact_count where live) <= $1, false) as "throughout!"
        from complaints.contact_count where day >= $1 and day < $3"#,
        day(before),
        day(done),
        day(check),
    )
    .fetch_one(connection)
    .await?;
    let are_recorded = contacts.throughout && contacts.before > 0 && contacts.after > 0;
    let effect = Effect {
        days: i32::try_from(check.duration_since(done).as_hours() / 24).unwrap_or(i32::MAX),
        count_before: counts.before,
        count_after: counts.after,
        contacts_before: if are_recorded { contacts.before } else { 0 },
        contacts_after: if are_recorded { contacts.after } else { 0 },
    };
    Ok(Counted { effect, open: (counts.open_before, counts.open_after) })
}

/// Whether complaints became fewer, or none followed. Where contacts are recorded, complaints per contact are compared.
pub fn is_effective(effect: &Effect) -> bool {
    let (before, after) =
        if effect.contacts_before > 0 { (effect.contacts_before, effect.contacts_after) } else { (1, 1) };
    // count after ÷ contacts after < count before ÷ contacts before, without a division.
    let is_less =
        i128::from(effect.count_after) * i128::from(before) < i128::from(effect.count_before) * i128::from(after);
    effect.count_after == 0 || is_less
}

impl Counted {
    /// Whether the result is final: the same whatever causes the open complaints turn out to have.
    pub fn is_final(&self) -> bool {
        let Effect { count_before, count_after, .. } = self.effect;
        let best = Effect { count_before: count_before + self.open.0, ..self.effect };
        let worst = Effect { count_after: count_after + self.open.1, ..self.effect };
        is_effective(&best) == is_effective(&worst)
    }
}

#[cfg(test)]
mod tests;
