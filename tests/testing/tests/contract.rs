//! The contract of the ports on the memory platform. The store runs it in its own tests.

use writ_testing::MemoryPlatform;

async fn platform() -> (MemoryPlatform, ()) {
    (MemoryPlatform::default(), ())
}

writ_testing::port_contract!(platform);
