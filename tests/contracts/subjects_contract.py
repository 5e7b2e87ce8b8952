"""What every keeper of subjects' keys promises (adapters.keys.subjects.SubjectKeys), seen through Subjects.

A module that tests one makes a fixture `keys` and subclasses SubjectsContract.
"""

import asyncio
from uuid import uuid4

import pytest

from adapters.keys.subjects import LIFE, SubjectKeys, Subjects
from application.personal import SubjectGone
from domain.personal import ERASED, UNREADABLE


class Hands:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.at = 0.0

    def __call__(self) -> float:
        return self.at


async def shown(subjects: Subjects, sealed: str) -> str:
    """One sealed text, opened."""
    return (await subjects.open([sealed]))[sealed]


class SubjectsContract:
    """The promises; a subclass says on which keeper."""

    async def test_everybody_has_a_key(self, keys: SubjectKeys) -> None:
        """The first text makes the key; all processes open with the same one."""
        here, there, rita = Subjects(keys, b"s"), Subjects(keys, b"s"), uuid4()
        assert await here.keys(rita) == 0
        texts = await asyncio.gather(*(each.seal(rita, "text", "a word") for each in (here, there) * 4))
        assert await here.keys(rita) == 1
        for each in (here, there):
            assert set((await each.open(texts)).values()) == {"a word"}

    async def test_what_is_destroyed_is_erased_everywhere(self, keys: SubjectKeys) -> None:
        """The process that destroys a key opens nothing any more at once, every other one within its `LIFE`."""
        clock, rita, anton = Hands(), uuid4(), uuid4()
        here, there = Subjects(keys, b"s", clock), Subjects(keys, b"s", clock)
        gone, stays = await here.seal(rita, "text", "gone"), await here.seal(anton, "text", "stays")
        assert await there.open([gone, stays]) == {gone: "gone", stays: "stays"}
        await here.destroy(rita)
        assert await here.open([gone, stays]) == {gone: ERASED, stays: "stays"}
        clock.at += LIFE
        assert await there.open([gone, stays]) == {gone: ERASED, stays: "stays"}
        assert (await here.keys(rita), await here.keys(anton)) == (0, 1)

    async def test_nothing_comes_after_the_end(self, keys: SubjectKeys) -> None:
        """Nobody gets a second key, not even who never had one; destroying again is harmless."""
        subjects, rita = Subjects(keys, b"s"), uuid4()
        for _ in range(2):
            await subjects.destroy(rita)
            with pytest.raises(SubjectGone):
                await subjects.seal(rita, "text", "more")

    async def test_what_nobody_sealed_is_not_opened(self, keys: SubjectKeys) -> None:
        """A text of an unknown person, of another person's key, or no text at all: unreadable, and not erased."""
        subjects, rita, anton = Subjects(keys, b"s"), uuid4(), uuid4()
        sealed = await subjects.seal(rita, "text", "word")
        await subjects.seal(anton, "text", "word")
        forged = [sealed.replace(rita.hex, other.hex) for other in (anton, uuid4())]
        assert set((await subjects.open([*forged, "cf-sealed:1:", sealed[:-9]])).values()) == {UNREADABLE}

    async def test_an_address_is_sealed_once(self, keys: SubjectKeys) -> None:
        """Events of somebody have one, most of them the same; nobody shares theirs, and it goes with the key."""
        subjects, rita, anton = Subjects(keys, b"s"), uuid4(), uuid4()
        first = await subjects.seal(rita, "address", "192.0.2.1")
        assert await subjects.seal(rita, "address", "192.0.2.1") == first
        assert await subjects.seal(anton, "address", "192.0.2.1") != first
        assert await shown(subjects, first) == "192.0.2.1"
        await subjects.destroy(rita)
        assert await shown(subjects, first) == ERASED
        with pytest.raises(SubjectGone):
            await subjects.seal(rita, "address", "192.0.2.1")

    async def test_one_person_of_a_name(self, keys: SubjectKeys) -> None:
        """Whatever the case, whoever asks first: one id, until they are erased; then the name is free."""
        subjects = Subjects(keys, b"s")
        assert await subjects.id_of("Rita") is None
        found = await asyncio.gather(*(subjects.reserve(name) for name in ("Rita", "rita", "RITA")))
        assert len(set(found)) == 1
        assert await subjects.id_of("rita") == found[0]
        await subjects.destroy(found[0])
        assert await subjects.id_of("rita") is None
        assert await subjects.reserve("rita") != found[0]

    async def test_names_are_hashed_with_a_secret(self, keys: SubjectKeys) -> None:
        """Whoever has the keeper's rows and not the secret cannot try names out."""
        await Subjects(keys, b"one").reserve("Rita")
        assert await Subjects(keys, b"another").id_of("Rita") is None
