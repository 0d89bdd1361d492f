//! What the records of the application hold, and what of it is authenticated.
//!
//! EMV 4.4 Book 3, 10.2 and 10.3.

use zeroize::Zeroizing;

use crate::afl;
use crate::bits::Aip;
use crate::outcome::Misbehaviour;
use crate::tag;
use crate::tlv::{self, Object};

/// The highest short file identifier whose records belong to EMV (EMV 4.4 Book 1, 10.1.2).
const SFI_OF_EMV_MAX: u8 = 10;

/// The data objects of one record. A record of a file outside EMV has none that matter here.
/// Fails when the record is not one template 70 and nothing else.
pub(crate) fn elements(sfi: u8, record: &[u8]) -> Result<Vec<Object<'_>>, Misbehaviour> {
    if sfi > SFI_OF_EMV_MAX {
        return Ok(Vec::new());
    }
    let template = tlv::only(record, tag::RECORD_TEMPLATE).ok_or(Misbehaviour::ResponseFormat)?;
    tlv::primitives(template).map_err(|_| Misbehaviour::ResponseFormat)
}

/// AIP and AFL, as GET PROCESSING OPTIONS gives them in either format (EMV 4.4 Book 3, 6.5.8.4).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ProcessingOptions {
    /// Tag 82.
    pub(crate) aip: Aip,
    /// Tag 94, as given and as read.
    pub(crate) afl: Vec<u8>,
    pub(crate) entries: Vec<afl::Entry>,
}

impl ProcessingOptions {
    /// Reads the data of the response.
    pub(crate) fn parse(data: &[u8]) -> Result<Self, Misbehaviour> {
        let (aip, afl) = match tlv::only(data, tag::RESPONSE_TEMPLATE_1) {
            Some(value) => value
                .split_first_chunk::<2>()
                .ok_or(Misbehaviour::ResponseFormat)?,
            None => Self::parse_format_2(data)?,
        };
        let entries = afl::parse(afl).map_err(|_| Misbehaviour::FileLocator)?;
        Ok(Self {
            aip: Aip::from_bytes(*aip),
            afl: afl.to_vec(),
            entries,
        })
    }

    /// Format 2: a template with both elements in any order.
    fn parse_format_2(data: &[u8]) -> Result<(&[u8; 2], &[u8]), Misbehaviour> {
        let template =
            tlv::only(data, tag::RESPONSE_TEMPLATE_2).ok_or(Misbehaviour::ResponseFormat)?;
        tlv::primitives(template).map_err(|_| Misbehaviour::ResponseFormat)?;
        let aip = tlv::find(template, tag::AIP).ok_or(Misbehaviour::ElementMissing)?;
        let afl = tlv::find(template, tag::AFL).ok_or(Misbehaviour::ElementMissing)?;
        Ok((
            aip.try_into().map_err(|_| Misbehaviour::ElementFormat)?,
            afl,
        ))
    }
}

/// The static data to be authenticated (EMV 4.4 Book 3, 10.3), gathered record by record. Wiped
/// when dropped: it holds the PAN.
#[derive(Clone, PartialEq, Eq, Default)]
pub(crate) struct StaticData {
    bytes: Zeroizing<Vec<u8>>,
    unusable: bool,
}

impl StaticData {
    /// Adds a record: the content of template 70, or for files outside EMV the whole record. A
    /// record that is not such a template spoils authentication, not the transaction.
    pub(crate) fn add(&mut self, sfi: u8, record: &[u8]) {
        match tlv::only(record, tag::RECORD_TEMPLATE) {
            Some(content) if sfi <= SFI_OF_EMV_MAX => self.bytes.extend(content),
            Some(_) => self.bytes.extend(record),
            None => self.unusable = true,
        }
    }

    /// Everything to be authenticated, once the records have been read. `tag_list` is tag 9F4A,
    /// which may name the AIP and nothing else. `None` when authentication cannot succeed.
    pub(crate) fn finish(&self, tag_list: Option<&[u8]>, aip: Aip) -> Option<Zeroizing<Vec<u8>>> {
        let mut bytes = self.bytes.clone();
        match tag_list {
            None => {}
            Some([0x82]) => bytes.extend(aip.to_bytes()),
            Some(_) => return None,
        }
        (!self.unusable).then_some(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tag_list_may_name_the_aip_only() {
        let mut data = StaticData::default();
        data.add(1, &[0x70, 0x03, 0x5F, 0x34, 0x00]);
        data.add(11, &[0x70, 0x01, 0xAA]);
        let aip = Aip::from_bytes([0x18, 0x00]);
        let gathered = [0x5F, 0x34, 0x00, 0x70, 0x01, 0xAA];
        assert_eq!(
            data.finish(None, aip),
            Some(Zeroizing::new(gathered.to_vec()))
        );
        assert_eq!(
            data.finish(Some(&[0x82]), aip),
            Some(Zeroizing::new([&gathered[..], &[0x18, 0]].concat()))
        );
        assert_eq!(data.finish(Some(&[0x95]), aip), None);
        assert_eq!(data.finish(Some(&[0x82, 0x82]), aip), None);
    }
}
