from profiles.showing import NOTHING, fields_shown


def test_of_a_profile_the_first_fields_are_shown_that_hold_anything() -> None:
    assert fields_shown({"city": "", "email": "ann@example.com", "loyalty": ""}) == "email: ann@example.com"
    assert fields_shown({"city": ""}) == NOTHING
    many = {f"field{number}": "x" * (number % 2) for number in range(10)}
    assert fields_shown(many) == "field1: x, field3: x, field5: x, and 2 more"
