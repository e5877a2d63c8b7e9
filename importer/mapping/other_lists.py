"""The header words of lists that are not of actors. Words after the bar say little by themselves (half a point)."""

from __future__ import annotations

from functools import cache

INCIDENTS = "a list of incidents"
SUBJECTS = frozenset(
    {
        "a list of indicators",
        INCIDENTS,
        "a list of malware or tools",
        "a list of vulnerabilities",
        "a list of techniques",
        "a list of campaigns",
    }
)
"""Lists of threats that may name an actor in each row without being lists of actors."""

_LISTS = {
    "a list of indicators": """
        ioc, iocs, indicator, indicators, indicator type, indicator value, ioc type, ioc value, md5, sha1,
        sha256, sha512, hash, hashes, file hash, ip, ip address, ip addresses, fqdn, hostname, dst ip, src ip,
        email subject, yara, file name, filename, file type, file size, observable, kill chain phase, valid
        until
        | domain, domains, port, pattern, valid from""",
    INCIDENTS: """
        incident, incidents, incident id, incident name, incident date, incident type, incident number, victim
        name, victim organization, victim organisation, target organization, attack date, date of attack, date
        of incident, breach, breach date, affected records, breached, data leaked, damage, event id, event
        name, event type, event date, ransom amount, ransom paid, ransom demand, ticket, case number, campaign
        id, date
        | victim, victims, impact, campaign name, campaign, records lost""",
    "a list of malware or tools": """
        malware name, malware family, malware type, ransomware name, ransom note, ransom notes, ransomnote,
        ransomnotes, encryption, encryption algorithm, decryptor, decryptor available, payment method, tool
        name, tool type, software name, meta extensions, meta encryption, meta ransomnotes, meta ransomnotes
        filenames, meta ransomnotes refs, meta payment method
        | malware, family, families, extension, extensions, platform, platforms, tool, software, meta links""",
    "a list of vulnerabilities": """
        cve, cve id, cves, cvss, cvss score, cwe, vulnerability, vulnerability name, vulnerabilities, affected
        product, affected version, patch, patch available, exploit available, vendor project, epss""",
    "a list of techniques": """
        technique, technique id, technique name, tactic, tactics, tactic name, subtechnique, mitigation, data
        sources
        | mitigations, detection""",
    "a list of campaigns": """
        campaign, campaign name, campaign id, operation name, operation id, operation
        | campaigns, operations, start, end, start date, end date""",
    "a list of films or shows": """
        movie, film, movie title, film title, imdb, director, genre, box office, runtime, character, episode,
        season, oscar, cast, filmography
        | title, year, role, rating, release date, gender""",
    "a list of accounts": """
        members, member, member count, distinguished name, samaccountname, group scope, permissions, privileges,
        account, username, user, users, login, last login
        | created, enabled, role""",
    "a list of people": """
        age, sex, gender, birthday, birth date, date of birth, dob, salary, first name, last name, firstname,
        lastname, surname, given name, family name, full name, phone, phone number, telephone, mobile, street,
        street address, home address, job title, department, employee, employee id, student, student id,
        passport, ssn, height, weight, occupation, marital status, hire date, school, class, teacher, manager
        | email, e mail, email address, address, title, nationality, grade, position, company, zip""",
    "a list of places": """
        county, fips, population, total population, latitude, longitude, lat, lon, lng, elevation, zip, zip
        code, zipcode, postal code, postcode, area code, municipality, margin of error, capital, altitude,
        station id, district, borough, geometry, geojson, house number, iata, icao
        | city, state, state name, continent, timezone, region code, area, address, region""",
    "a list of sales or goods": """
        price, unit price, cost, total cost, quantity, qty, sku, product name, product id, order id, invoice,
        invoice id, customer, customer id, customer name, subtotal, discount, tax, currency, stock, item name,
        item id, brand, sales, revenue, profit, units sold, supplier, acquisition cost, ship date, artist,
        album, genre, isbn, author
        | product, order, item, amount, total, vendor, color, size""",
    "a list of organisations": """
        founding date, dissolution date, jurisdiction code, vat, vat number, registration number, employees,
        industry code, ticker, market cap, headquarters, ceo, contact person, contact details
        | industry, classification, parent id, email, address, image""",
    "a table of measurements": """
        sepal length, sepal width, petal length, petal width, species, temperature, humidity, pressure, mean,
        median, percent, percentage, frequency
        | average, min, max, total, sum, count, year, month, week, quarter, time, timestamp, rank, score,
        value 1""",
    "a list of codes": """
        code
        | code list, code description""",
    "a description of a file's columns": """
        field num, data type, datatype, nullable, constraint, field name, field type, default value, max
        length
        | start, length, end, column, width""",
}  # fmt: skip


@cache
def other_lists() -> tuple[tuple[str, dict[str, float]], ...]:
    """What a list looks like -> how much each header word says so."""
    found = []
    for looks, text in _LISTS.items():
        heavy, _, light = text.partition("|")
        weights = dict.fromkeys(_phrases(light), 0.5) | dict.fromkeys(_phrases(heavy), 1.0)
        found.append((looks, weights))
    return tuple(found)


def _phrases(text: str) -> list[str]:
    return [" ".join(phrase.split()) for phrase in text.split(",") if phrase.strip()]
