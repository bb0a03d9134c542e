//! Makes a hundred thousand complaints of a year from a seed: with known causes and contacts, and one week in which
//! more came than usual.

use jiff::civil::{Date, date};
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp};
use kefu_testkit::Bench;
use sqlx::PgPool;
use uuid::Uuid;

pub const COMPLAINTS: usize = 100_000;
/// First of the [`DAYS`] days of the 52 ISO weeks of 2025.
pub const FIRST: Date = date(2024, 12, 30);
pub const DAYS: usize = 52 * 7;
/// Index of the week in which a quarter more complaints came than usual.
pub const SHIFTED: usize = 39;
const SHIFT: f64 = 1.25;
/// Kinds of root cause in Pareto order: number in the contract, name, and weight in percent.
pub const CAUSES: [(i16, &str, u64); 6] = [
    (2, "PROCESS", 38),
    (1, "PEOPLE", 27),
    (4, "INFORMATION", 16),
    (3, "PRODUCT", 10),
    (6, "SUPPLIER", 6),
    (5, "ENVIRONMENT", 3),
];
const CUSTOMERS: u64 = 20_000;

/// A complaint. Times of its stages are in seconds from its receipt.
pub struct Made {
    pub received: Timestamp,
    pub cause: i16,
    pub channel: i16,
    pub customer: Option<u64>,
    /// The acknowledgement.
    pub acknowledged: i64,
    pub concluded: i64,
    /// The approval, the agreement, the end of the execution, and the end; none if it did not come so far.
    pub ended: Option<[i64; 4]>,
    pub acknowledged_in_time: bool,
    pub concluded_in_time: bool,
    pub satisfaction: i16,
}

/// The complaints and contacts of a year.
pub struct Year {
    pub complaints: Vec<Made>,
    /// Number of contacts of each day.
    pub contacts: Vec<i64>,
}

/// Random numbers by `SplitMix64` (G. L. Steele, D. Lea, C. H. Flood, "Fast Splittable Pseudorandom Number Generators",
/// 2014).
struct Dice(u64);

impl Dice {
    fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.roll() % bound
    }

    fn seconds(&mut self, from: i64, to: i64) -> i64 {
        from + i64::try_from(self.below(u64::try_from(to - from).unwrap())).unwrap()
    }
}

/// Makes the year of a seed. Each complaint falls on a random day, in proportion to the day's contacts, so that the
/// counts of days vary as those of independent events do.
pub fn year(seed: u64) -> Year {
    let mut dice = Dice(seed);
    let contacts: Vec<i64> = (0..DAYS).map(|_| dice.seconds(5_000, 6_500)).collect();
    let weight = |day: usize| {
        let shift = if day / 7 == SHIFTED { SHIFT } else { 1.0 };
        f64::from(i32::try_from(contacts[day]).unwrap()) * shift
    };
    let mut up_to = Vec::with_capacity(DAYS);
    let mut sum = 0.0;
    for day in 0..DAYS {
        sum += weight(day);
        up_to.push(sum);
    }
    let complaints = (0..COMPLAINTS).map(|_| {
        let place = f64::from(u32::try_from(dice.below(1 << 32)).unwrap()) / f64::from(u32::MAX) * sum;
        let day = up_to.partition_point(|&up_to| up_to <= place).min(DAYS - 1);
        made(&mut dice, day)
    });
    Year { complaints: complaints.collect(), contacts }
}

fn made(dice: &mut Dice, day: usize) -> Made {
    let midnight = FIRST.checked_add(Span::new().days(i64::try_from(day).unwrap())).unwrap();
    let midnight = midnight.to_zoned(TimeZone::get("Asia/Shanghai").unwrap()).unwrap().timestamp();
    let mut roll = dice.below(100);
    let cause = CAUSES.iter().find(|(_, _, weight)| {
        let is_it = roll < *weight;
        roll = roll.saturating_sub(*weight);
        is_it
    });
    let acknowledged = dice.seconds(60, 7_200);
    let concluded = acknowledged + dice.seconds(3_600, 5 * 86_400);
    let ended = (dice.below(10) > 0).then(|| {
        let approved = concluded + dice.seconds(3_600, 3 * 86_400);
        let agreed = approved + dice.seconds(600, 2 * 86_400);
        let executed = agreed + dice.seconds(86_400, 10 * 86_400);
        [approved, agreed, executed, executed + dice.seconds(3_600, 4 * 86_400)]
    });
    Made {
        received: midnight + jiff::SignedDuration::from_secs(dice.seconds(0, 86_400)),
        cause: cause.unwrap().0,
        channel: i16::try_from(1 + dice.below(4)).unwrap(),
        customer: (dice.below(10) < 6).then(|| dice.below(CUSTOMERS)),
        acknowledged,
        concluded,
        ended,
        acknowledged_in_time: acknowledged <= 3_600,
        concluded_in_time: concluded <= 3 * 86_400,
        satisfaction: if ended.is_some() { i16::try_from(1 + dice.below(5)).unwrap() } else { 0 },
    }
}

/// Puts a year into the tables of a service, as its superuser.
pub async fn load(year: &Year, bench: &Bench) {
    let pool = bench.admin();
    let time = kefu_chassis::time::sql::at;
    let days: Vec<String> =
        (0..DAYS).map(|day| (FIRST + Span::new().days(i64::try_from(day).unwrap())).to_string()).collect();
    sqlx::query("insert into complaints.contact_count select day::date, contacts, true from unnest($1::text[], $2::bigint[]) as d (day, contacts)")
        .bind(days)
        .bind(&year.contacts)
        .execute(pool)
        .await
        .unwrap();
    for (batch, complaints) in year.complaints.chunks(10_000).enumerate() {
        let ids: Vec<Uuid> = (0..complaints.len()).map(|place| id(3, batch * 10_000 + place)).collect();
        let after = |seconds: fn(&Made) -> Option<i64>| {
            complaints
                .iter()
                .map(|made| seconds(made).map(|seconds| time(made.received + jiff::SignedDuration::from_secs(seconds))))
                .collect::<Vec<_>>()
        };
        sqlx::query(
            "insert into complaints.complaint (id, number, channel, received_at, customer, contact, matter, desired_remedy, category,
                subcategory, severity, product, handler, department, responsible_department, responsible_person,
                no_person_reason, notified, investigator, parties, state, cycle, cause_category, cause, whys, outcome, closure,
                satisfaction, unreached_attempts, attempt_days, contacted, waived, evidence_count, withdraw_reason,
                acknowledged_at, concluded_at, approved_at, agreed_at, executed_at, closed_at, created_at, updated_at, version)
            select id, id::text, channel, received_at, customer, '{}', '', '', 3, '', 1, '', 'staff/lin', 'departments/desk',
                'departments/field', '', '', '{}', '', '{}', case when closed_at is null then 4 else 10 end, 0, cause, '', '{}', 1,
                case when closed_at is null then 0 else 1 end, satisfaction, 0, '{}', true, false, 0, '', acknowledged_at,
                concluded_at, approved_at, agreed_at, executed_at, closed_at, received_at, received_at, 1
            from unnest($1::uuid[], $2::smallint[], $3::timestamptz[], $4::uuid[], $5::smallint[], $6::smallint[], $7::timestamptz[],
                $8::timestamptz[], $9::timestamptz[], $10::timestamptz[], $11::timestamptz[], $12::timestamptz[])
                as m (id, channel, received_at, customer, cause, satisfaction, acknowledged_at, concluded_at, approved_at,
                    agreed_at, executed_at, closed_at)",
        )
        .bind(&ids)
        .bind(complaints.iter().map(|made| made.channel).collect::<Vec<_>>())
        .bind(complaints.iter().map(|made| time(made.received)).collect::<Vec<_>>())
        .bind(complaints.iter().map(|made| made.customer.map(|customer| id(4, usize::try_from(customer).unwrap()))).collect::<Vec<_>>())
        .bind(complaints.iter().map(|made| made.cause).collect::<Vec<_>>())
        .bind(complaints.iter().map(|made| made.satisfaction).collect::<Vec<_>>())
        .bind(after(|made| Some(made.acknowledged)))
        .bind(after(|made| Some(made.concluded)))
        .bind(after(|made| made.ended.map(|ended| ended[0])))
        .bind(after(|made| made.ended.map(|ended| ended[1])))
        .bind(after(|made| made.ended.map(|ended| ended[2])))
        .bind(after(|made| made.ended.map(|ended| ended[3])))
        .execute(pool)
        .await
        .unwrap();
        let in_time = |of: fn(&Made) -> bool| complaints.iter().map(|made| !of(made)).collect::<Vec<_>>();
        duties(pool, &ids, "acknowledgement", "C5.2", in_time(|made| made.acknowledged_in_time)).await;
        duties(pool, &ids, "investigation", "C5.3", in_time(|made| made.concluded_in_time)).await;
    }
    // Autovacuum would have done this in a real database.
    sqlx::raw_sql("vacuum analyze").execute(pool).await.unwrap();
}

/// Inserts a fulfilled duty of each complaint; `late` says of each whether it was late.
async fn duties(pool: &PgPool, complaints: &[Uuid], kind: &str, clause: &str, late: Vec<bool>) {
    sqlx::query(
        "insert into duty (id, clause, kind, subject, owner, department, regulation, calendar, state, measure, budget_us,
            elapsed_us, paused_us, opened_at, pause_reasons, due_at, provisional, met_at, late, reason, decided_by, version)
        select gen_random_uuid(), $3, $4, 'complaints/' || d.complaint, 'staff/lin', 'departments/desk', 'r', 'c', 3, 1, 0, 0, 0,
            received_at, 0, received_at, false, received_at, late, '', '', 2
        from unnest($1::uuid[], $2::boolean[]) as d (complaint, late) join complaints.complaint as c on c.id = d.complaint",
    )
    .bind(complaints)
    .bind(late)
    .bind(clause)
    .bind(kind)
    .execute(pool)
    .await
    .unwrap();
}

fn id(kind: u128, place: usize) -> Uuid {
    Uuid::from_u128(kind << 96 | 7 << 76 | 8 << 60 | u128::try_from(place).unwrap())
}
