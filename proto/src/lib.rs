//! kefu's contracts: the generated messages, clients and servers of every package, and the descriptor pool from which
//! the chassis reads rules, the gateway its routes, and reflection its answers.

use std::sync::LazyLock;

use prost_reflect::DescriptorPool;

pub mod contract;
pub mod field;
pub mod labels;
pub mod payload;
pub mod request;
pub mod resource;

pub use payload::Payload;
pub use request::{Paged, Resumable, Target};
pub use resource::Changeable;

/// Includes the generated code of each package.
macro_rules! package {
    ($($name:ident),* $(,)?) => {$(
        #[doc = concat!("Package `kefu.", stringify!($name), ".v1`.")]
        pub mod $name {
            #[doc = concat!("Package `kefu.", stringify!($name), ".v1`.")]
            pub mod v1 {
                include!(concat!(env!("OUT_DIR"), "/kefu.", stringify!($name), ".v1.rs"));
            }
        }
    )*};
}

package!(complaints, compliance, contacts, directory, events, intake, notifications, regulation, rules);

mod redacted {
    include!(concat!(env!("OUT_DIR"), "/redacted.rs"));
}

mod requests {
    include!(concat!(env!("OUT_DIR"), "/requests.rs"));
}

mod changeable {
    include!(concat!(env!("OUT_DIR"), "/changeable.rs"));
}

mod payloads {
    include!(concat!(env!("OUT_DIR"), "/payloads.rs"));
}

/// The macro of each gRPC service, which the crate exports.
mod serve {
    include!(concat!(env!("OUT_DIR"), "/serve.rs"));
}

/// The encoded descriptor set of kefu's contracts and all they import, options included and comments not.
pub const DESCRIPTORS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/descriptors.bin"));
/// The same descriptor set with the comments, for what shows the contracts to people.
pub const COMMENTED: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/commented.bin"));

static POOL: LazyLock<DescriptorPool> = LazyLock::new(|| {
    let mut pool = DescriptorPool::decode(DESCRIPTORS).expect("the embedded descriptors decode");
    pool.decode_file_descriptor_set(tonic_types::pb::FILE_DESCRIPTOR_SET).expect("google.rpc's descriptors decode");
    pool
});

/// Returns the descriptors of kefu's contracts and of google.rpc's error details.
#[must_use]
pub fn pool() -> &'static DescriptorPool {
    &POOL
}

#[cfg(test)]
mod tests {
    use super::contacts::v1::Contact;

    #[test]
    fn the_pool_holds_our_packages_and_the_error_details() {
        for name in ["kefu.intake.v1.Request", "kefu.events.v1.Event", "google.rpc.BadRequest"] {
            assert!(super::pool().get_message_by_name(name).is_some(), "{name}");
        }
        assert!(super::pool().get_extension_by_name("kefu.rules.v1.rule").is_some());
    }

    #[test]
    fn personal_data_is_left_out_of_debug_output() {
        let contact = Contact { person: "Lin".into(), phone: "+8613800138000".into(), ..Contact::default() };
        let shown = format!("{contact:?}");
        assert!(!shown.contains("Lin") && !shown.contains("138"), "{shown}");
    }
}
