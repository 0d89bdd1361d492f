//! Field 55 of an answer: the issuer's data for the card (EMV 4.4 Book 4, 12.1.2).

use emv::Tag;
use emv::tlv;

/// What the issuer sent for the card.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct IssuerData {
    /// Tag 91, without tag and length.
    pub(crate) authentication_data: Option<Vec<u8>>,
    /// Templates 71 and 72 with tags and lengths, in the order they came.
    pub(crate) scripts: Vec<u8>,
}

/// Reads field 55. `None` when it is not BER-TLV throughout.
pub(crate) fn parse_issuer_data(bytes: &[u8]) -> Option<IssuerData> {
    let mut data = IssuerData::default();
    for object in tlv::objects(bytes) {
        let object = object.ok()?;
        match object.tag {
            tag if tag == emv::tag::ISSUER_AUTHENTICATION_DATA => {
                data.authentication_data = Some(object.value.to_vec());
            }
            tag if is_script(tag) => tlv::encode(tag, object.value, &mut data.scripts),
            _ => {}
        }
    }
    Some(data)
}

fn is_script(tag: Tag) -> bool {
    tag == emv::tag::ISSUER_SCRIPT_TEMPLATE_1 || tag == emv::tag::ISSUER_SCRIPT_TEMPLATE_2
}
