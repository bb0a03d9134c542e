//! Pareto ranking: groups by size with their cumulative share; the vital few make up most (J. M. Juran, "Universals in
//! Management Planning and Controlling", 1954).

use super::store::GroupRow;
use super::{float, share};

/// Cumulative share at which the vital few end.
const MOST: f64 = 0.8;

/// A group with its share, and the cumulative share of it and all groups ranked before it.
#[derive(Clone, Debug, PartialEq)]
pub struct Ranked {
    /// Group, with its number of complaints.
    pub group: GroupRow,
    /// Share of the group in all complaints, from 0 to 1.
    pub share: f64,
    /// Share of the group and all ranked before it, from 0 to 1.
    pub cumulative_share: f64,
    /// Whether the group is among the vital few, which together make up the first 80 %.
    pub is_vital: bool,
}

/// Ranks groups, the largest first, equal ones by key.
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

    fn ranked_counts(counts: &[(&str, i64)]) -> Vec<Ranked> {
        let group = |&(key, count): &(&str, i64)| GroupRow { key: key.to_owned(), count, rate_count: count };
        ranked(counts.iter().map(group).collect())
    }

    #[test]
    fn the_vital_few_are_no_more_than_it_takes() {
        let groups = ranked_counts(&[("late", 5), ("rude", 50), ("broken", 30), ("dear", 15)]);
        let vital: Vec<_> = groups.iter().map(|group| (group.group.key.as_str(), group.is_vital)).collect();
        assert_eq!(vital, [("rude", true), ("broken", true), ("dear", false), ("late", false)]);
        let shares: Vec<_> = groups.iter().map(|group| (group.cumulative_share * 100.0).round()).collect();
        assert_eq!(shares.as_slice(), [50.0, 80.0, 95.0, 100.0]);
    }

    #[test]
    fn equals_stand_by_name_and_nothing_has_no_groups() {
        let groups = ranked_counts(&[("b", 2), ("a", 2)]);
        assert_eq!(groups.iter().map(|group| group.group.key.as_str()).collect::<Vec<_>>(), ["a", "b"]);
        assert!(groups.iter().all(|group| group.is_vital));
        assert!(ranked_counts(&[]).is_empty());
    }
}
