//! How a record becomes bytes: one version byte, then bincode.
//!
//! The decode limit of the coding keeps a damaged length from asking for memory without end.

use postern_model::record::{CODING as CONFIG, MAX_RECORD, Record};

use crate::error::StoreError;

/// A record's bytes as they are stored today.
///
/// # Errors
/// [`StoreError::TooLarge`].
pub(crate) fn encode<R: Record>(record: &R) -> Result<Vec<u8>, StoreError> {
    let mut bytes = Vec::with_capacity(64);
    bytes.push(R::VERSION);
    bincode::encode_into_std_write(record, &mut bytes, CONFIG)
        .map_err(|_| StoreError::TooLarge { what: R::NAME })?;
    if bytes.len() > MAX_RECORD { Err(StoreError::TooLarge { what: R::NAME }) } else { Ok(bytes) }
}

/// Reads a record of any version that ever was.
///
/// # Errors
/// [`StoreError::Damaged`], with the record's name.
pub(crate) fn decode<R: Record>(stored: &[u8]) -> Result<R, StoreError> {
    let Some((&version, bytes)) = stored.split_first() else {
        return Err(StoreError::damaged(format!("{}: empty record", R::NAME)));
    };
    if version != R::VERSION {
        return R::decode_old(version, bytes)
            .ok_or_else(|| StoreError::damaged(format!("{}: unknown version {version}", R::NAME)));
    }
    match bincode::decode_from_slice::<R, _>(bytes, CONFIG) {
        Ok((record, read)) if read == bytes.len() => Ok(record),
        Ok((_, read)) => {
            Err(StoreError::damaged(format!("{}: {} octets too many", R::NAME, bytes.len() - read)))
        }
        Err(error) => Err(StoreError::damaged(format!("{}: {error}", R::NAME))),
    }
}

/// Stored bytes as they would be written today; an older version says the same in other bytes.
pub(crate) fn modernise<R: Record>(stored: &[u8]) -> Option<Vec<u8>> {
    if stored.first() == Some(&R::VERSION) {
        return None;
    }
    encode(&decode::<R>(stored).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use bincode::{Decode, Encode};
    use postern_model::record::{Abuse, Access, Block, Event, NextAccount, OwedNotice};
    use proptest::prelude::*;

    use super::*;

    #[derive(Debug, PartialEq, Encode, Decode)]
    struct Renamed {
        whole: String,
        added: u8,
    }

    impl Record for Renamed {
        const VERSION: u8 = 2;
        const NAME: &'static str = "Renamed";

        fn decode_old(version: u8, bytes: &[u8]) -> Option<Self> {
            let (whole, _) = bincode::decode_from_slice::<String, _>(bytes, CONFIG).ok()?;
            (version == 1).then_some(Renamed { whole, added: 7 })
        }
    }

    #[test]
    fn an_old_version_is_read_and_a_newer_one_is_not() {
        let old = [&[1, 2][..], b"ab"].concat();
        assert_eq!(decode::<Renamed>(&old).expect("version 1"), Renamed { whole: "ab".into(), added: 7 });
        assert_eq!(modernise::<Renamed>(&old).expect("older"), [&[2, 2][..], b"ab", &[7]].concat());
        let newer = [&[3, 2][..], b"ab"].concat();
        assert!(matches!(decode::<Renamed>(&newer), Err(StoreError::Damaged { .. })));
    }

    #[test]
    fn octets_behind_a_record_are_damage() {
        let mut bytes = encode(&NextAccount(postern_model::AccountId(5))).expect("small");
        bytes.push(0);
        assert!(matches!(decode::<NextAccount>(&bytes), Err(StoreError::Damaged { .. })));
        assert!(matches!(decode::<NextAccount>(&[]), Err(StoreError::Damaged { .. })));
    }

    proptest! {
        #[test]
        fn any_bytes_are_a_record_or_damage(bytes in proptest::collection::vec(any::<u8>(), 0..256)) {
            let _ = decode::<Block>(&bytes);
            let _ = decode::<Access>(&bytes);
            let _ = decode::<Event>(&bytes);
            let _ = decode::<Abuse>(&bytes);
            let _ = decode::<OwedNotice>(&bytes);
        }
    }
}
