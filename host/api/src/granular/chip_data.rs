//! What the point of sale's acquirer needs, as the API shows it.

use std::collections::BTreeMap;

use serde::Serialize;
use terminal_host::point_of_sale::{OnlineRequest, PinBlockFormat};

use crate::openapi::schema::{Described, Schema};

/// `chipData` of the Commerce API. All of it is in hexadecimal digits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ChipData {
    /// Tags and values; none of a stripe. Nothing in it names the card in clear.
    pub emv_tags: BTreeMap<String, String>,
    /// `null` when no PIN was entered for the issuer.
    pub encrypted_pin_block: Option<String>,
    /// The serial number of its key.
    pub pin_ksn: Option<String>,
    /// Its format.
    pub pin_block_format: Option<PinBlockFormat>,
    /// Track 2 under the terminal's key for data encryption; `null` when it has none.
    pub encrypted_track2: Option<String>,
    /// The serial number of its key.
    pub track2_ksn: Option<String>,
}

impl ChipData {
    pub(crate) fn of(request: &OnlineRequest) -> Self {
        let pin = request.pin.as_ref();
        let track_2 = request.track_2.as_ref();
        Self {
            emv_tags: request.chip_data.clone(),
            encrypted_pin_block: pin.map(|pin| pin.block.bytes.clone()),
            pin_ksn: pin.map(|pin| pin.block.key_serial_number.clone()),
            pin_block_format: pin.map(|pin| pin.format),
            encrypted_track2: track_2.map(|track_2| track_2.bytes.clone()),
            track2_ksn: track_2.map(|track_2| track_2.key_serial_number.clone()),
        }
    }
}

impl Described for ChipData {
    const NAME: &'static str = "ChipData";

    fn schema() -> Schema {
        let hex = |description: &str| Schema::text(description).or_null();
        Schema::object("What an acquirer needs. Hexadecimal digits.")
            .required(
                "emvTags",
                Schema::open_object("Tags and their values, such as `9F26`, the cryptogram.")
                    .with("additionalProperties", Schema::text("A value.")),
            )
            .required("encryptedPinBlock", hex("When a PIN was entered."))
            .required("pinKsn", hex("The serial number of the PIN block's key."))
            .required(
                "pinBlockFormat",
                Schema::names::<PinBlockFormat>("Of ISO 9564-1.").or_null(),
            )
            .required("encryptedTrack2", hex("Track 2, enciphered."))
            .required("track2Ksn", hex("The serial number of track 2's key."))
    }
}
