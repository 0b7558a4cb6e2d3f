"""XMP packets: the mark that a DNG was denoised, joined to what its packet says already."""

import re
from xml.sax.saxutils import quoteattr

_SPACE = "urn:pellucid:1.0:"
_QUOTED = rb"""\s*=\s*(?:"[^"]*"|'[^']*')"""
_OWN_ATTRIBUTE = re.compile(rb"\s+(?:xmlns:pellucid|pellucid:[\w.-]+)" + _QUOTED)
_OWN_ELEMENT = re.compile(rb"\s*<pellucid:([\w.-]+)[^>]*?(?:/>|>.*?</pellucid:\1\s*>)", re.DOTALL)
_NOTHING_SAID = re.compile(
    rb"\s*<rdf:Description(?=[^>]*rdf:about)(?:\s+(?:rdf:about|xmlns:[\w.-]+)" + _QUOTED + rb")*"
    rb"\s*(?:/>|>\s*</rdf:Description\s*>)"
)
_END = re.compile(rb"\s*</rdf:RDF\s*>")
_ABOUT = re.compile(rb"rdf:about\s*=\s*([\"'])(.*?)\1", re.DOTALL)
_EMPTY = (
    b'<?xpacket begin="\xef\xbb\xbf" id="W5M0MpCehiHzreSzNTczkc9d"?>\n'
    b'<x:xmpmeta xmlns:x="adobe:ns:meta/">\n'
    b' <rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">\n'
    b' </rdf:RDF>\n</x:xmpmeta>\n<?xpacket end="w"?>'
)


def mark_denoised(packet: bytes, strength: float, how: str, version: str) -> bytes:
    """The packet with one description more: that Pellucid denoised the raw, how, how strongly.

    What an earlier run said gives way, wherever other programs have put it; a packet that holds no
    RDF is replaced by a new one.
    """
    kept = packet
    for pattern in (_OWN_ELEMENT, _OWN_ATTRIBUTE, _NOTHING_SAID):
        kept = pattern.sub(b"", kept)
    end = _END.search(kept)
    if end is None:
        kept = _EMPTY
        end = _END.search(kept)
    assert end is not None
    about = _ABOUT.search(packet)
    subject = about[2] if about else b""
    said = {
        "Denoised": "True",
        "Strength": f"{strength:g}",
        "How": how,
        "Version": version,
    }
    words = "".join(f"\n    pellucid:{name}={quoteattr(value)}" for name, value in said.items())
    line = f'"\n    xmlns:pellucid="{_SPACE}"{words}/>'.encode()
    mark = b'\n  <rdf:Description rdf:about="' + subject.replace(b'"', b"&quot;") + line
    return kept[: end.start()] + mark + kept[end.start() :]
