//! Random numbers that can be reproduced.

use std::time::Duration;

use jiff::Timestamp;

/// A seeded random number generator (splitmix64). `KEFU_TEST_SEED=… cargo test` repeats a run.
pub struct Dice(u64);

impl Dice {
    /// The seed of `KEFU_TEST_SEED`, or a new one. Printed, so that a failed test shows it.
    #[must_use]
    pub fn seed() -> u64 {
        let random = || kefu_chassis::names::new_uuid(Timestamp::UNIX_EPOCH).as_u64_pair().1;
        #[expect(
            clippy::disallowed_methods,
            reason = "no configuration of the product: a person repeats a run with it"
        )]
        let given = std::env::var("KEFU_TEST_SEED");
        let seed = given.map_or_else(|_| random(), |seed| seed.parse().unwrap());
        println!("KEFU_TEST_SEED={seed}");
        seed
    }

    /// A generator with a seed.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// A number from 0 to `bound` - 1.
    pub fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % bound
    }

    /// One of `choices`, each as likely.
    pub fn pick<T: Copy>(&mut self, choices: &[T]) -> T {
        let index = self.below(choices.len() as u64);
        choices[usize::try_from(index).unwrap()]
    }

    /// Sleeps for a random time below `bound_us` microseconds.
    pub async fn dawdle(&mut self, bound_us: u64) {
        tokio::time::sleep(Duration::from_micros(self.below(bound_us))).await;
    }
}
