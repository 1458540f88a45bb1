"""Topics of charts and tables."""

from typing import NamedTuple


class Topic(NamedTuple):
    """A title, the noun of a row, the unit of a number, and names for rows and columns."""

    title: str
    noun: str
    unit: str
    rows: tuple[str, ...]
    columns: tuple[str, ...]
    most: int = 1000
    """Upper bound of the numbers."""


YEARS = ("2020", "2021", "2022", "2023", "2024")
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
NAMES = ("Anna", "Ben", "Carla", "David", "Emma", "Felix", "Grace", "Henry", "Iris", "Jack", "Kim", "Leo")

TOPICS = (
    Topic(
        "Goals per team",
        "team",
        "goals",
        ("Lions", "Bears", "Hawks", "Sharks", "Wolves", "Foxes", "Bulls", "Owls"),
        YEARS,
        100,
    ),
    Topic("Books read", "pupil", "books", NAMES, ("Spring", "Summer", "Autumn", "Winter"), 60),
    Topic(
        "Units sold",
        "product",
        "units",
        ("Phones", "Laptops", "Tablets", "Cameras", "Printers", "Watches", "Screens"),
        YEARS,
    ),
    Topic(
        "Rainy days",
        "city",
        "days",
        ("Oslo", "Paris", "Rome", "Cairo", "Lima", "Delhi", "Tokyo", "Quito"),
        MONTHS[:6],
        28,
    ),
    Topic("Visitors", "museum", "thousands", ("Louvre", "Prado", "Uffizi", "Tate", "Met", "MoMA", "Orsay"), YEARS),
    Topic(
        "Harvest",
        "crop",
        "tonnes",
        ("Wheat", "Maize", "Rice", "Barley", "Oats", "Rye", "Potatoes"),
        ("North", "South", "East", "West"),
    ),
    Topic(
        "Pets owned",
        "animal",
        "households",
        ("Dogs", "Cats", "Fish", "Birds", "Rabbits", "Hamsters"),
        ("Town", "Village", "Farm"),
        500,
    ),
    Topic("Energy output", "source", "GWh", ("Solar", "Wind", "Hydro", "Gas", "Coal", "Nuclear", "Biomass"), YEARS),
    Topic(
        "Cups served",
        "drink",
        "cups",
        ("Coffee", "Tea", "Cocoa", "Juice", "Milk", "Water"),
        ("Morning", "Midday", "Evening"),
    ),
    Topic(
        "Test scores", "subject", "points", ("Maths", "Physics", "History", "Music", "Art", "Biology"), NAMES[:5], 100
    ),
)
"""Topics with unordered rows, for bar charts and tables."""

COURSES = (
    Topic("Mean temperature", "month", "°C", MONTHS, ("Lisbon", "Athens", "Nairobi", "Seville"), 36),
    Topic("Bikes rented", "day", "bikes", DAYS, ("Station A", "Station B", "Station C"), 500),
    Topic("Share price", "month", "euros", MONTHS, ("Acme", "Globex", "Initech"), 500),
    Topic("Website visits", "day", "thousands", DAYS, ("Blog", "Shop", "Forum"), 500),
    Topic(
        "Sales",
        "year",
        "millions",
        tuple(str(year) for year in range(2013, 2025)),
        ("Europe", "Asia", "America", "Africa"),
    ),
    Topic("Plant growth", "week", "cm", tuple(f"W{week}" for week in range(1, 13)), ("Bean", "Pea", "Sunflower"), 100),
    Topic(
        "Members", "year", "members", tuple(str(year) for year in range(2008, 2020)), ("Chess", "Judo", "Rowing"), 500
    ),
)
"""Topics with rows ordered in time, for line charts."""

PARTS = (
    Topic("Favourite fruit", "fruit", "people", ("Apple", "Banana", "Cherry", "Grape", "Mango", "Pear", "Kiwi"), ()),
    Topic("Ways to school", "way", "pupils", ("Bus", "Bike", "Walk", "Car", "Train", "Tram"), ()),
    Topic(
        "Household costs", "item", "euros", ("Rent", "Food", "Travel", "Leisure", "Energy", "Savings", "Clothes"), ()
    ),
    Topic("Market share", "company", "customers", ("Acme", "Globex", "Initech", "Hooli", "Umbra", "Stark"), ()),
    Topic("Land use", "use", "hectares", ("Forest", "Fields", "Pasture", "Towns", "Lakes", "Roads"), ()),
    Topic("Votes", "party", "voters", ("Liberty", "Union", "Progress", "Harmony", "Reform", "Centre"), ()),
    Topic("Time of a day", "activity", "minutes", ("Sleep", "School", "Play", "Meals", "Sport", "Reading"), ()),
)
"""Topics with parts of a whole, for pie charts."""

GOODS = ("Pens", "Books", "Lamps", "Mugs", "Bags", "Chairs", "Clocks", "Plants", "Towels", "Candles")
"""Articles of an order."""
