//! A connection's bytes compressed by DEFLATE (RFC 4978), below the session and above TLS.
//!
//! What is written is flushed as one piece whenever the driver flushes (`Z_SYNC_FLUSH`), so that every answer reaches the
//! client whole. What is read comes out piece by piece, never more than was asked for, so a few octets that
//! stand for gigabytes fill nothing.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Buf, Bytes};
use flate2::{Compress, Compression, Decompress, FlushCompress, FlushDecompress};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::stream::Stream;

/// Octets that are read from the connection at a time, and compressed ones that gather before they are written.
const PIECE: usize = 16 * 1024;

/// A compressed connection.
pub(crate) struct Deflated {
    inner: Stream,
    inflate: Decompress,
    /// None while the connection rests.
    deflate: Option<Compress>,
    /// Compressed, came in, not yet looked at.
    arrived: Bytes,
    /// More may come out of what was looked at.
    may_yield: bool,
    /// Compressed, to be written.
    leaving: Vec<u8>,
    /// Octets of it that are written.
    written: usize,
    /// Something was compressed since the last flush.
    unflushed: bool,
}

impl Deflated {
    /// Compresses `inner` from here on.
    pub(crate) fn new(inner: Stream) -> Deflated {
        Deflated {
            inner,
            inflate: Decompress::new(false),
            deflate: None,
            arrived: Bytes::new(),
            may_yield: false,
            leaving: Vec::new(),
            written: 0,
            unflushed: false,
        }
    }

    /// Compressed octets that were read before compression began.
    pub(crate) fn unread(&mut self, octets: Bytes) {
        self.arrived = octets;
    }

    /// The connection below.
    pub(crate) fn inner(&self) -> &Stream {
        &self.inner
    }

    /// Gives back the compressor's memory, which is by far the most that a connection holds. A flush ends on an octet's
    /// boundary and with a whole block (RFC 1951 §3.2.3), so another compressor may go on behind it.
    pub(crate) fn rest(&mut self) {
        if !self.unflushed && self.leaving.is_empty() {
            self.deflate = None;
        }
    }

    /// Writes what is compressed, until none is left.
    fn poll_leave(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while self.written < self.leaving.len() {
            let moved = ready!(Pin::new(&mut self.inner).poll_write(cx, &self.leaving[self.written..]))?;
            if moved == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.written += moved;
        }
        // An idle connection holds no buffer.
        self.leaving = Vec::new();
        self.written = 0;
        Poll::Ready(Ok(()))
    }

    fn compress(&mut self, bytes: &[u8], flush: FlushCompress) -> io::Result<usize> {
        self.leaving.reserve(PIECE);
        let deflate = self.deflate.get_or_insert_with(|| Compress::new(Compression::fast(), false));
        let before = deflate.total_in();
        deflate.compress_vec(bytes, &mut self.leaving, flush).map_err(io::Error::other)?;
        Ok((deflate.total_in() - before) as usize)
    }

    /// Decompresses into `buf`; whether anything came of it.
    fn decompress(&mut self, buf: &mut ReadBuf<'_>) -> io::Result<bool> {
        let (taken, given) = (self.inflate.total_in(), self.inflate.total_out());
        let status = self
            .inflate
            .decompress(&self.arrived, buf.initialize_unfilled(), FlushDecompress::Sync)
            .map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))?;
        let taken = (self.inflate.total_in() - taken) as usize;
        let given = (self.inflate.total_out() - given) as usize;
        self.arrived.advance(taken);
        buf.advance(given);
        // A full buffer may have left something inside.
        self.may_yield = buf.remaining() == 0;
        if status == flate2::Status::StreamEnd && given == 0 {
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the compressed stream has ended"));
        }
        Ok(given > 0)
    }
}

impl AsyncRead for Deflated {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        loop {
            if (this.may_yield || !this.arrived.is_empty()) && this.decompress(buf)? {
                return Poll::Ready(Ok(()));
            }
            if !this.arrived.is_empty() {
                continue;
            }
            let mut piece = [0; PIECE];
            let mut read = ReadBuf::new(&mut piece);
            ready!(Pin::new(&mut this.inner).poll_read(cx, &mut read))?;
            if read.filled().is_empty() {
                return Poll::Ready(Ok(()));
            }
            this.arrived = Bytes::copy_from_slice(read.filled());
        }
    }
}

impl AsyncWrite for Deflated {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        loop {
            if this.leaving.len() >= PIECE {
                ready!(this.poll_leave(cx))?;
            }
            let taken = this.compress(bytes, FlushCompress::None)?;
            this.unflushed = true;
            // Where it had more to give than there was room, it takes nothing; to the writer that would be the end.
            if taken > 0 || bytes.is_empty() {
                return Poll::Ready(Ok(taken));
            }
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        while this.unflushed {
            ready!(this.poll_leave(cx))?;
            this.compress(&[], FlushCompress::Sync)?;
            // With room left over, all is out (zlib's deflate(), Z_SYNC_FLUSH).
            this.unflushed = this.leaving.len() == this.leaving.capacity();
        }
        ready!(this.poll_leave(cx))?;
        Pin::new(&mut this.inner).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().inner).poll_shutdown(cx)
    }
}
