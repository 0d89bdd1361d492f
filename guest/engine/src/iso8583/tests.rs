//! The codec against whatever bytes there are; tests/vector-runner has it read the vectors.

use super::*;
use proptest::prelude::*;

#[test]
fn what_ends_too_early_is_named() {
    let codec = Codec::new(fields::built_in()).expect("the built-in table");
    let short = |place, needed, present| {
        let fault = Fault::Short { needed, present };
        Err(Error { place, fault })
    };
    let bitmap = [0, 0, 0, 0, 0, 0x80, 0, 0];
    for (message, error) in [
        (b"08".to_vec(), short(Place::MessageType, 4, 2)),
        (b"0800\0".to_vec(), short(Place::Bitmap, 8, 1)),
        (
            [b"0800", &bitmap[..], b"TERM"].concat(),
            short(Place::Field(41), 8, 4),
        ),
    ] {
        assert_eq!(codec.decode(&message), error);
    }
}

proptest! {
    #[test]
    fn whatever_decodes_encodes_to_what_decodes_the_same(
        noise in proptest::collection::vec(any::<u8>(), 0..200),
        bitmap in any::<[u8; 8]>(),
    ) {
        let codec = Codec::new(fields::built_in()).expect("the built-in table");
        for input in [noise.clone(), [b"0210", &bitmap[..], &noise].concat()] {
            if let Ok(decoded) = codec.decode(&input) {
                let again = codec.encode(&decoded.message).expect("encodes");
                prop_assert_eq!(codec.decode(&again), Ok(decoded));
            }
        }
    }
}
