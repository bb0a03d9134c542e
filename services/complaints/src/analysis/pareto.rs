//! The few that make up most: groups in the order of their size, with the share that they have together (Pareto; J. M. Juran,
//! "Universals in Management Planning and Controlling", 1954).

use super::store::GroupRow;
use super::{float, share};

/// From this share on the groups before are enough.
const MOST: f64 = 0.8;

/// A group and its place among all.
#[derive(Clone, Debug, PartialEq)]
pub struct Ranked {
    pub group: GroupRow,
    pub share: f64,
    pub cumulative_share: f64,
    pub is_vital: bool,
}

/// The largest first; of equals, by key.
pub fn ranked(mut groups: Vec<GroupRow>) -> Vec<Ranked> {
    groups.sort_by(|one, other| other.count.cmp(&one.count).then_with(|| one.key.cmp(&other.key)));
    let all: i64 = groups.iter().map(|group| group.count).sum();
    let mut before = 0;
    let rank = |group: GroupRow| {
        let is_vital = float(before) < MOST * float(all);
        before += group.count;
        Ranked { share: share(group.count, all), cumulative_share: share(before, all), is_vital, group }
    };
    groups.into_iter().map(rank).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(counts: &[(&str, i64)]) -> Vec<Ranked> {
        let group = |&(key, count): &(&str, i64)| GroupRow { key: key.to_owned(), count, rate_count: count };
        ranked(counts.iter().map(group).collect())
    }

    #[test]
    fn the_vital_few_are_no_more_than_it_takes() {
        let groups = of(&[("late", 5), ("rude", 50), ("broken", 30), ("dear", 15)]);
        let told: Vec<_> = groups.iter().map(|group| (group.group.key.as_str(), group.is_vital)).collect();
        assert_eq!(told, [("rude", true), ("broken", true), ("dear", false), ("late", false)]);
        let shares: Vec<_> = groups.iter().map(|group| (group.cumulative_share * 100.0).round()).collect();
        assert_eq!(shares.as_slice(), [50.0, 80.0, 95.0, 100.0]);
    }

    #[test]
    fn equals_stand_by_name_and_nothing_has_no_groups() {
        let groups = of(&[("b", 2), ("a", 2)]);
        assert_eq!(groups.iter().map(|group| group.group.key.as_str()).collect::<Vec<_>>(), ["a", "b"]);
        assert!(groups.iter().all(|group| group.is_vital));
        assert!(of(&[]).is_empty());
    }
}
