"""What the Guide and the law set: parameters, clocks, divisions, rules. Pure, dated, explained."""
